import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { sleep } from '#libs/clock';
import { lastLines, launch, type PartProcess } from '../deploy/stack/part-process.js';
import { freePort } from '../deploy/stack/ports.js';
import { redisHere } from '../deploy/stack/test-parts.js';
import { interpolated, readCompose } from './deployment/compose.js';

const START_MS = 30_000;

redisHere.describe('Redis with the command of docker-compose.yml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-compose-redis-'));
  const logFile = join(dir, 'output.log');
  const clients: Redis[] = [];
  let redis: PartProcess;
  let port: number;

  const client = (password?: string): Redis => {
    const made = new Redis({ port, host: '127.0.0.1', ...(password && { password }), retryStrategy: () => null });
    made.on('error', () => {});
    clients.push(made);
    return made;
  };
  const answer = (password?: string) =>
    client(password)
      .ping()
      .catch((error: Error) => error.message);

  beforeAll(async () => {
    writeFileSync(join(dir, 'password'), 'a-password-of-this-test\n');
    port = await freePort();
    const { command } = readCompose().services['redis'] as unknown as { command: [string, string, string] };
    // The same, for this machine: where the secret and the data are, and the port.
    const script = interpolated(command[2], {})
      .replace('/run/secrets/redis', `'${join(dir, 'password')}'`)
      .replace('dir /data', `dir ${dir}\nport ${port}\nbind 127.0.0.1`);
    redis = launch({ dir, name: 'redis', logFile, command: [command[0], command[1], script] });
    const began = performance.now();
    while ((await answer('a-password-of-this-test')) !== 'PONG') {
      if (redis.hasEnded() || performance.now() - began > START_MS) throw new Error(lastLines(logFile, 20));
      await sleep(50);
    }
  }, 60_000);
  afterAll(async () => {
    const open = clients.filter(({ status }) => status !== 'end');
    const ended = open.map((each) => new Promise((done) => each.once('end', done)));
    for (const each of open) each.disconnect();
    await Promise.all(ended);
    await redis?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('takes the password of the file only, keeps what it is given and drops nothing', async () => {
    expect(await answer()).toContain('NOAUTH');
    const asked = client('a-password-of-this-test');
    expect(await asked.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await asked.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
  });

  it('has its password in no process list', () => {
    const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(redis.pid)], { encoding: 'utf8' });
    expect(stdout).toContain('redis-server');
    expect(stdout).not.toContain('a-password');
  });
});
