import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, describe, expect, it } from '@jest/globals';
import { agentSettings } from './agent.config.js';

describe('agentSettings', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-agent-config-'));
  const KAIKA_JOB_KEY_FILE = join(dir, 'job-key.pub');
  writeFileSync(KAIKA_JOB_KEY_FILE, '{"kty":"OKP"}');
  afterAll(() => rmSync(dir, { recursive: true }));
  const read = (origins: string, args: string[] = []) =>
    agentSettings({ KAIKA_JOB_KEY_FILE, KAIKA_AGENT_ORIGINS: origins, KAIKA_VIRTUAL_CARDS_DIR: dir }, args);

  it('reads its port, its list of origins and the centre’s key', () => {
    expect(read('https://ca.example, http://localhost:8080')).toMatchObject({
      port: 3010,
      origins: ['https://ca.example', 'http://localhost:8080'],
      jobKey: { kty: 'OKP' },
      virtualCardsDir: undefined,
    });
    expect(read('https://ca.example', ['--virtual']).virtualCardsDir).toBe(dir);
  });

  it('asks for pairing with real readers, and not with virtual ones, unless it is told', () => {
    expect(read('https://ca.example').pairing).toBe(true);
    expect(read('https://ca.example', ['--virtual']).pairing).toBe(false);
    const env = { KAIKA_JOB_KEY_FILE, KAIKA_AGENT_ORIGINS: 'https://ca.example' };
    expect(agentSettings({ ...env, KAIKA_AGENT_PAIRING: 'off' }, []).pairing).toBe(false);
    expect(agentSettings({ ...env, KAIKA_AGENT_PAIRING: 'on' }, ['--virtual']).pairing).toBe(true);
    expect(() => agentSettings({ ...env, KAIKA_AGENT_PAIRING: 'no' }, [])).toThrow('KAIKA_AGENT_PAIRING');
  });

  it('reads the centre’s CA certificates from PEM, and refuses a file that has none', () => {
    const env = { KAIKA_JOB_KEY_FILE, KAIKA_AGENT_ORIGINS: 'https://ca.example' };
    const file = join(dir, 'ca.pem');
    writeFileSync(file, `${rootCertificates[0]}\n${rootCertificates[1]}\n`);
    expect(agentSettings({ ...env, KAIKA_AGENT_CA_FILE: file }, []).issuers).toHaveLength(2);
    writeFileSync(file, 'no certificate');
    expect(() => agentSettings({ ...env, KAIKA_AGENT_CA_FILE: file }, [])).toThrow('KAIKA_AGENT_CA_FILE');
  });

  it('drives no virtual cards in production, and lives in no other time without them', () => {
    const env = { KAIKA_JOB_KEY_FILE, KAIKA_AGENT_ORIGINS: 'https://ca.example' };
    expect(() => agentSettings({ ...env, NODE_ENV: 'production' }, ['--virtual'])).toThrow('NODE_ENV: ');
    expect(agentSettings({ ...env, NODE_ENV: 'production' }, [])).toMatchObject({ virtualCardsDir: undefined });
    const moved = { ...env, KAIKA_THROWAWAY_CLOCK_FILE: '/clock.json' };
    expect(() => agentSettings(moved, [])).toThrow('KAIKA_THROWAWAY_CLOCK_FILE: ');
    expect(agentSettings(moved, ['--virtual']).clockFile).toBe('/clock.json');
  });

  it.each(['*', 'https://*.ca.example/', 'https://ca.example/', 'ca.example', 'https://CA.example', 'null', ''])(
    'takes no list of origins such as %j',
    (origins) => expect(() => read(origins)).toThrow('KAIKA_AGENT_ORIGINS'),
  );
});
