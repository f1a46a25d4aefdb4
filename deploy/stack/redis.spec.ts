import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RunningRedis, startRedis } from './redis.js';
import { redisHere } from './test-parts.js';

redisHere.describe('startRedis', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika redis-'));
  let redis: RunningRedis;
  beforeAll(async () => {
    redis = await startRedis({ dir });
  });
  afterAll(async () => {
    await redis?.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const ask = async <T>(question: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis(redis.url);
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  };

  it('never evicts and appends what it is told', async () => {
    expect(await ask((client) => client.config('GET', 'maxmemory-policy'))).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await ask((client) => client.config('GET', 'appendonly'))).toEqual(['appendonly', 'yes']);
  });

  it('listens to this machine alone', async () => {
    expect(await ask((client) => client.config('GET', 'bind'))).toEqual(['bind', '127.0.0.1']);
  });

  it('keeps on the same port what it acknowledged when it is killed', async () => {
    await ask((client) => client.set('job', '1'));
    const { url } = redis;
    await redis.kill();
    redis = await startRedis({ dir });
    expect(redis.url).toBe(url);
    expect(await ask((client) => client.get('job'))).toBe('1');
  });

  it('says which port is taken', async () => {
    const other = mkdtempSync(join(tmpdir(), 'kaika-redis-'));
    await expect(startRedis({ dir: other, port: redis.port })).rejects.toThrow(
      `port ${redis.port} of 127.0.0.1 is taken`,
    );
    rmSync(other, { recursive: true });
  });

  it('refuses a folder that another one works in', async () => {
    await expect(startRedis({ dir, patienceMs: 100 })).rejects.toThrow(/in use/);
  });
});
