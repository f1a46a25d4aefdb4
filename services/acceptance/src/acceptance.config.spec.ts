import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureKeyPair, ensureSecretKey, Pepper } from '#libs/credentials';
import { readAcceptanceConfig } from './acceptance.config.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-settings-'));
const file = (name: string) => join(dir, name);
const env = {
  DATABASE_URL: 'postgres://x',
  KAIKA_BUS_URL: 'postgres://x',
  KAIKA_SUSPENSION_URL: 'http://127.0.0.1:3003/',
  KAIKA_SERVICE_KEY_FILE: file('ed'),
  KAIKA_PORTAL_ORIGINS: 'https://a.example, http://127.0.0.1:8080',
  KAIKA_PEPPER_FILE: file('pepper'),
  KAIKA_CREDENTIAL_KEY_FILE: file('p256'),
  KAIKA_ISSUANCE_PUBLIC_KEY_FILE: file('p256.pub'),
  KAIKA_SUSPENSION_PUBLIC_KEY_FILE: file('p256.pub'),
  KAIKA_TRANSPORT_MASTER_FILE: file('master'),
  KAIKA_PUK_MASTER_FILE: file('puk-master'),
  KAIKA_JOB_KEY_FILE: file('ed'),
};

beforeAll(async () => {
  await ensureKeyPair(file('ed'), 'Ed25519');
  await ensureKeyPair(file('p256'));
  Pepper.ensure(file('pepper'));
  for (const name of ['master', 'puk-master']) ensureSecretKey(file(name));
  writeFileSync(file('short'), 'too short');
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the settings', () => {
  it('list the portal’s origins, to the letter', async () => {
    expect((await readAcceptanceConfig(env)).portalOrigins).toEqual(['https://a.example', 'http://127.0.0.1:8080']);
    for (const wrong of ['https://a.example/', 'a.example', '*', 'null', 'https://a.example,', 'HTTPS://A.example']) {
      await expect(readAcceptanceConfig({ ...env, KAIKA_PORTAL_ORIGINS: wrong })).rejects.toThrow(
        'KAIKA_PORTAL_ORIGINS',
      );
    }
  });

  it('name all that is missing, and never make a secret that should be there', async () => {
    await expect(readAcceptanceConfig({})).rejects.toThrow(/DATABASE_URL[^]*KAIKA_JOB_KEY_FILE/);
    const missing = { ...env, KAIKA_TRANSPORT_MASTER_FILE: file('nowhere') };
    await expect(readAcceptanceConfig(missing)).rejects.toThrow('KAIKA_TRANSPORT_MASTER_FILE');
    expect(existsSync(file('nowhere'))).toBe(false);
  });

  it('refuse a file that holds something else, without showing it', async () => {
    for (const variable of [
      'KAIKA_PEPPER_FILE',
      'KAIKA_ISSUANCE_PUBLIC_KEY_FILE',
      'KAIKA_TRANSPORT_MASTER_FILE',
      'KAIKA_PUK_MASTER_FILE',
      'KAIKA_JOB_KEY_FILE',
    ]) {
      const error = await readAcceptanceConfig({ ...env, [variable]: file('short') }).catch((e: unknown) => e);
      expect(String(error)).toContain(file('short'));
      expect(String(error)).not.toContain('too short');
    }
    await expect(readAcceptanceConfig({ ...env, KAIKA_JOB_KEY_FILE: file('p256') })).rejects.toThrow(
      'not a Ed25519 key',
    );
  });
});
