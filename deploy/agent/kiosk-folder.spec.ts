import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { VirtualCardStore } from '#libs/virtual-card';
import { makeKioskFolder } from './kiosk-folder.js';

const ORIGIN = 'https://ca.example';

/** Outside the repository, so that nothing of it is found by accident. */
describe('the folder for kiosks', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-kiosk-'));
  const folder = join(dir, 'agent');
  const cards = join(dir, 'cards');
  let made: ReturnType<typeof makeKioskFolder>;
  let agent: ChildProcess | undefined;

  beforeAll(() => {
    made = makeKioskFolder(process.cwd(), folder);
  });
  afterAll(() => {
    agent?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  it('holds the agent and what it loads, and nothing of the services’ own', () => {
    expect(made.files).toBeGreaterThan(50);
    const names = made.packages.map((path) => path.split('node_modules/').at(-1));
    expect(names).toEqual(expect.arrayContaining(['@nestjs/platform-express', 'jose', 'pcsc-mini', 'pino', 'zod']));
    for (const other of ['typeorm', 'pg', 'kafkajs', 'bullmq', 'ioredis', 'nodemailer', 'typescript', 'jest']) {
      expect(names).not.toContain(other);
    }
    const services = readdirSync(join(folder, 'dist', 'services'));
    expect(services).toEqual(['card-agent']);
    expect(existsSync(join(folder, 'dist', 'libs', 'pki'))).toBe(false);
    expect(statSync(join(folder, 'start.sh')).mode & 0o111).toBe(0o111);
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).not.toHaveProperty('dependencies');
  });

  it('starts by itself, and speaks to a card', async () => {
    await new VirtualCardStore(cards).create('EC00000000000001');
    const jobKey = join(dir, 'job-key.pub.json');
    writeFileSync(jobKey, JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })));
    agent = spawn(join(folder, 'start.sh'), ['--virtual'], {
      cwd: dir,
      env: {
        ...{ PATH: process.env['PATH'], NODE: process.execPath, KAIKA_AGENT_PORT: '0' },
        ...{ KAIKA_AGENT_ORIGINS: ORIGIN, KAIKA_JOB_KEY_FILE: jobKey, KAIKA_VIRTUAL_CARDS_DIR: cards },
      },
    });
    const port = await portOf(agent);
    const headers = { origin: ORIGIN, 'x-kaika-agent': '1', 'content-type': 'application/json' };
    const ask = async (method: string, path: string, body?: object) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
      return (await answer.json()) as { state?: string; type?: string };
    };
    expect((await ask('GET', '/v1/status')).state).toBe('no-card');
    await ask('PUT', '/virtual/reader', { cardNumber: 'EC00000000000001' });
    expect((await ask('GET', '/v1/status')).state).toBe('ready');
    expect((await ask('POST', '/v1/card', {})).type).toBe('urn:kaika:error:unknownCardKind'); // a card with nothing on it
    const ended = new Promise((resolve) => agent!.once('exit', resolve));
    agent.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('gives the unit only what the agent needs', () => {
    const unit = readFileSync(join(folder, 'kaika-card-agent.service'), 'utf8');
    for (const line of [
      'DynamicUser=yes',
      'ProtectSystem=strict',
      'NoNewPrivileges=yes',
      'PrivateDevices=yes',
      'CapabilityBoundingSet=',
      'IPAddressAllow=localhost',
    ]) {
      expect(unit.split('\n')).toContain(line);
    }
    const variables = [...readFileSync(join(folder, 'agent.env.example'), 'utf8').matchAll(/^#?([A-Z_]+)=/gm)];
    const settings = readFileSync('services/card-agent/src/agent.config.ts', 'utf8');
    for (const [, name] of variables) expect(settings).toContain(`${name!}:`);
  });
});

/** Told in its first line of log. */
function portOf(agent: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const listen = (data: Buffer) => {
      said += data.toString();
      const port = /"port":(\d+)/.exec(said)?.[1];
      if (port) resolve(port);
    };
    agent.stdout!.on('data', listen);
    agent.stderr!.on('data', listen);
    agent.once('exit', () => reject(new Error(`it ended: ${said}`)));
  });
}
