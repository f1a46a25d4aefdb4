import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { nextMidnight, sleep, systemClock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { openQueue, openWorker } from './backend.js';
import { DailyJob, type DailyJobOptions, type JobsBackend } from './index.js';
import { onEachBackend } from '../test/test-backend.js';

const database = withTestDatabase();
let jobs: DailyJob[] = [];
let n = 0;

async function eventually(check: () => Promise<void> | void): Promise<void> {
  for (const started = performance.now(); ; await sleep(20)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - started > 20_000) throw error;
    }
  }
}

onEachBackend('the daily job', database, (on) => {
  let backend: JobsBackend;

  beforeAll(async () => {
    await on.start();
    backend = on.backend();
  });
  afterEach(async () => {
    await Promise.all(jobs.map((job) => job.close()));
    jobs = [];
  });
  afterAll(() => on.close());

  function job(queue: string, options: Partial<DailyJobOptions> = {}): DailyJob {
    const it = new DailyJob({ backend, queue, work: async () => {}, lockMs: 500, ...options });
    jobs.push(it);
    return it;
  }
  const fresh = () => `queue-${++n}`;

  it('is due at the next midnight in Taipei, 16:00 UTC', async () => {
    const it = job(fresh());
    expect(await it.next()).toBeUndefined();
    expect(await it.ensureScheduler()).toBe('created');
    const next = await it.next();
    expect(next?.toISOString()).toMatch(/T16:00:00\.000Z$/);
    expect(next).toEqual(nextMidnight(systemClock().now()));
  });

  it('is set up again where it is missing or altered, and left alone otherwise', async () => {
    const queue = fresh();
    const it = job(queue);
    await it.ensureScheduler();
    expect(await it.ensureScheduler()).toBe('kept');
    const other = job(queue, { pattern: '30 3 * * *' });
    expect(await other.ensureScheduler()).toBe('changed');
    expect(await it.ensureScheduler()).toBe('changed');
    expect((await it.next())?.toISOString()).toMatch(/T16:00:00/);
    const raw = openQueue(backend, queue, {});
    await raw.removeJobScheduler('daily');
    await raw.close();
    expect(await it.ensureScheduler()).toBe('created');
  });

  it('calls its function at each tick, in one process only', async () => {
    const queue = fresh();
    let calls = 0;
    const everySecond = { pattern: '* * * * * *', work: async () => void calls++ };
    job(queue, everySecond).start();
    job(queue, everySecond).start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(3));
    const ticks = await openCounts(queue);
    expect(calls).toBeLessThanOrEqual(ticks + 1);
  });

  async function openCounts(queue: string): Promise<number> {
    const raw = openQueue(backend, queue, {});
    const counts = await raw.getJobCounts();
    await raw.close();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  it('makes up once at the start for a tick that was missed while everything was down', async () => {
    const queue = fresh();
    const first = job(queue, { pattern: '* * * * * *' });
    await first.ensureScheduler();
    const missed = (await first.next())!;
    await first.close();
    await eventually(() => expect(systemClock().nowMs()).toBeGreaterThan(missed.getTime() + 1_500));
    const calls: number[] = [];
    const second = job(queue, { pattern: '* * * * * *', work: async () => void calls.push(systemClock().nowMs()) });
    expect(await second.ensureScheduler()).toBe('kept');
    expect(await second.next()).toEqual(missed);
    second.start();
    await eventually(() => expect(calls.length).toBeGreaterThanOrEqual(1));
  });

  it('is taken up again when its worker was killed in the middle', async () => {
    const queue = fresh();
    await job(queue).ensureScheduler();
    const raw = openQueue(backend, queue, {});
    // An id of its own: otherwise BullMQ would create a sequence for the queue, which this role may not.
    await raw.add('daily', {}, { jobId: 'tick-1' });
    let begun = 0;
    const killed = openWorker(backend, queue, () => new Promise(() => begun++), { lockDuration: 500, stalledInterval: 500, skipLockRenewal: true }); // prettier-ignore
    killed.on('error', () => {});
    await eventually(() => expect(begun).toBe(1));
    await killed.close(true);
    let done = 0;
    job(queue, { work: async () => void done++ }).start();
    await eventually(() => expect(done).toBe(1));
    await raw.close();
  });

  it('goes on after a failure of its function', async () => {
    const queue = fresh();
    let calls = 0;
    job(queue, {
      pattern: '* * * * * *',
      work: async () => {
        if (++calls === 1) throw new Error('not today');
      },
    }).start();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(2));
  });

  it('starts while its queue cannot be reached, and goes on when it can', async () => {
    const queue = fresh();
    let calls = 0;
    await on.away();
    job(queue, { pattern: '* * * * * *', work: async () => void calls++ }).start();
    await on.back();
    await eventually(() => expect(calls).toBeGreaterThanOrEqual(1));
  });
});

describe('the schema of jobs', () => {
  it('needs no table of the application role', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      `select count(*)::int as n from pg_tables where schemaname = 'jobs' and tableowner <> 'kaika_jobs_owner'`,
    );
    await client.end();
    expect(rows).toEqual([{ n: 0 }]);
  });
});
