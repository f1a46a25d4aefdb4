import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { sleep } from '#libs/clock';
import { redisHere } from '../../../deploy/stack/test-parts.js';
import { TestRedis } from '../test/test-redis.js';
import { DailyJob, type DailyJobOptions } from './index.js';

redisHere.describe('jobs on Redis', () => {
  const redis = new TestRedis();
  const jobs: DailyJob[] = [];
  let n = 0;

  beforeAll(() => redis.start());
  afterEach(async () => {
    await Promise.all(jobs.splice(0).map((job) => job.close()));
    jest.restoreAllMocks();
  });
  afterAll(() => redis.close());

  function job(options: Partial<DailyJobOptions> = {}): DailyJob {
    const backend = { kind: 'redis' as const, url: redis.url };
    const job = new DailyJob({ backend, queue: `queue-${++n}`, work: async () => {}, lockMs: 500, ...options });
    jobs.push(job);
    return job;
  }
  const everySecond = (work: () => Promise<void>) => job({ pattern: '* * * * * *', work });

  function warnings(): string[] {
    const said: string[] = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void said.push(String(message)));
    return said;
  }

  async function eventually(check: () => Promise<void> | void): Promise<void> {
    for (const started = performance.now(); ; await sleep(20)) {
      try {
        return await check();
      } catch (error) {
        if (performance.now() - started > 20_000) throw error;
      }
    }
  }

  it('keeps its keys under a name of ours', async () => {
    await job().ensureScheduler();
    const keys = (await redis.command('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !key.startsWith('kaika:'))).toEqual([]);
  });

  it('goes on with a scheduler set up anew after all was flushed', async () => {
    let calls = 0;
    const daily = everySecond(async () => void calls++);
    daily.start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
    await redis.command('FLUSHALL');
    expect(await daily.ensureScheduler()).toBe('created');
    const before = calls;
    await eventually(() => expect(calls).toBeGreaterThan(before + 1));
  });

  it('goes on after Redis was killed and came back empty; meanwhile its callers get errors, and wait for nothing', async () => {
    let calls = 0;
    const daily = everySecond(async () => void calls++);
    daily.start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
    await redis.kill();
    await expect(daily.ensureScheduler()).rejects.toThrow();
    await expect(daily.next()).rejects.toThrow();
    await redis.start();
    await eventually(async () => expect(await daily.ensureScheduler()).toBe('created'));
    const before = calls;
    await eventually(() => expect(calls).toBeGreaterThan(before));
  });

  it('answers with an error while a Redis that never was reached is away, or one that is there says nothing', async () => {
    await redis.kill();
    await expect(job().ensureScheduler()).rejects.toThrow('no answer within 6 s');
    await redis.start();
    const daily = job();
    await daily.ensureScheduler();
    redis.freeze();
    await expect(daily.ensureScheduler()).rejects.toThrow();
    redis.thaw();
    await eventually(async () => expect(await daily.ensureScheduler()).toBe('kept'));
  });

  it('can be closed while Redis is away', async () => {
    let calls = 0;
    const daily = everySecond(async () => void calls++);
    daily.start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
    await redis.kill();
    await daily.close();
    const never = job();
    never.start();
    await never.close();
    await redis.start();
    expect(await job().ensureScheduler()).toBe('created');
  });

  it('warns of a Redis that may evict its keys, and works', async () => {
    const said = warnings();
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    let calls = 0;
    everySecond(async () => void calls++).start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
    await eventually(() =>
      expect(said).toEqual([expect.stringMatching(/maxmemory-policy.* allkeys-lru.* noeviction/)]),
    );
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    said.length = 0;
    everySecond(async () => void calls++).start();
    const before = calls;
    await eventually(() => expect(calls).toBeGreaterThan(before + 2));
    expect(said).toEqual([]);
  });

  it('gives its name and password, and shows none', async () => {
    const said = warnings();
    await redis.command('ACL', 'SETUSER', 'one', 'on', '>sesame', '~kaika:*', '&*', '+@all');
    const url = redis.url.replace('//', '//one@');
    let calls = 0;
    const backend = { kind: 'redis' as const, url, password: 'sesame' };
    job({ backend, pattern: '* * * * * *', work: async () => void calls++ }).start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
    const wrong = job({ backend: { ...backend, password: 'wrong-word' } });
    wrong.start();
    await eventually(() => expect(said.join()).toMatch(/WRONGPASS/));
    const error = await wrong.ensureScheduler().catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(`${said.join()} ${String(error)}`).not.toMatch(/sesame|wrong-word/);
  });
});
