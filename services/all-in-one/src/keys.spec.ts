import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { serviceTokens, Tokens } from '#libs/doors';
import { readKeyPair } from '#libs/credentials';
import { ensureKeys, WITH_TOKENS } from './keys.js';

describe('the keys of an instance', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaika-keys-'));
  afterAll(() => rmSync(dataDir, { recursive: true }));
  const contents = (dir: string) =>
    Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'hex')]));

  it('stay as they are, and those that are missing in an older folder are made', async () => {
    const { dir } = await ensureKeys(dataDir);
    const first = contents(dir);
    await ensureKeys(dataDir);
    expect(contents(dir)).toEqual(first);
    for (const name of Object.keys(first).filter((name) => name.includes('-token') || name === 'service-jwks.json')) {
      rmSync(join(dir, name));
    }
    await ensureKeys(dataDir);
    const again = contents(dir);
    expect(Object.keys(again)).toEqual(Object.keys(first));
    expect(again['issuer.jwk']).toBe(first['issuer.jwk']);
    expect(again['jwks.json']).toBe(first['jwks.json']);
  });

  it('let each service speak for itself and for no other', async () => {
    const { dir, jwksFile, serviceJwksFile } = await ensureKeys(dataDir);
    const tokens = new Tokens({ issuer: 'x', jwksFile, serviceJwksFile });
    for (const service of WITH_TOKENS) {
      const key = await readKeyPair(join(dir, `${service}-token.jwk`), 'Ed25519');
      expect(await tokens.verify(`Bearer ${await serviceTokens(key, service)()}`)).toEqual({
        subject: `service:${service}`,
        roles: ['service'],
      });
      for (const other of WITH_TOKENS.filter((name) => name !== service)) {
        await expect(tokens.verify(`Bearer ${await serviceTokens(key, other)()}`)).rejects.toThrow();
      }
    }
  });
});
