import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { createPostgresBackend, Queue, withBackend } from 'bullmq';
import { withTestDatabase } from '#libs/database';
import { DailyJob } from '#libs/jobs';
import { redisHere } from '../../../deploy/stack/test-parts.js';
import { onEachBackend, type TestBackend } from '../../../libs/jobs/test/test-backend.js';
import { TestRedis } from '../../../libs/jobs/test/test-redis.js';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { eventually, MIDNIGHTS, PublisherFixture, setClock, silent } from './publisher.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
const running: Midnight[] = [];

beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterEach(async () => {
  await Promise.all(running.splice(0).map((midnight) => midnight.stop()));
  jest.restoreAllMocks();
});
afterAll(() => at.stop());

/** A publisher whom no moved clock pokes: only its scheduler and its timer. */
async function publisher(jobs: ReturnType<TestBackend['backend']>) {
  jest.spyOn(at.clock, 'onMove').mockReturnValue(() => undefined);
  const runner = at.runner();
  const midnight = new Midnight({ ...runner, ...at.midnightParts, log: silent, jobs });
  running.push(midnight);
  await midnight.start();
  return { ...runner, midnight };
}
type Publisher = Awaited<ReturnType<typeof publisher>>;

const serves = (one: Publisher, number: bigint) =>
  eventually(() => expect(one.files.served(at.issuer.skiHex)?.number).toBe(number));
const hasScheduler = ({ midnight }: Publisher) =>
  eventually(async () => expect((await midnight.schedule.next())?.toISOString()).toMatch(/T16:00:00\.000Z$/));
const hasNoScheduler = async ({ midnight }: Publisher) => expect(await midnight.schedule.next()).toBeUndefined();

onEachBackend('the midnight job', database, (on) => {
  beforeAll(() => on.start());
  afterAll(() => on.close());

  /** Of BullMQ itself. */
  function rawQueue(): Queue {
    const backend = on.backend();
    if (backend.kind === 'redis') return new Queue('crl-publisher', { connection: { url: backend.url }, prefix: 'kaika' }); // prettier-ignore
    const connection = { connectionString: backend.url, schema: 'jobs' };
    return new (withBackend(createPostgresBackend).Queue)('crl-publisher', { connection }) as unknown as Queue;
  }

  it('has a scheduler, sets it up again when it is gone or altered, and says so', async () => {
    const one = await publisher(on.backend());
    const queue = rawQueue();
    const inPlace = () =>
      eventually(async () =>
        expect(await queue.getJobScheduler('daily')).toMatchObject({ pattern: '0 0 * * *', tz: 'Asia/Taipei' }),
      );
    await inPlace();
    await hasScheduler(one);
    await one.midnight.minute();
    expect(one.alarms.counts.get('schedulerMissing')).toBeUndefined();
    await queue.removeJobScheduler('daily');
    await one.midnight.minute();
    await inPlace();
    await queue.upsertJobScheduler('daily', { pattern: '30 3 * * *', tz: 'Asia/Taipei' });
    await one.midnight.minute();
    await inPlace();
    expect(one.alarms.counts.get('schedulerMissing')).toBe(2);
    await queue.close();
  });

  it('comes when the scheduler’s tick does', async () => {
    const one = await publisher(on.backend());
    await serves(one, 1n);
    setClock(at.clock, MIDNIGHTS[0]);
    const tick = new DailyJob({ backend: on.backend(), queue: 'crl-publisher', pattern: '* * * * * *', work: async () => {} }); // prettier-ignore
    await tick.ensureScheduler();
    await serves(one, 2n);
    await tick.close();
  });

  it('makes up for the newest midnight that was missed while every process was down', async () => {
    const before = await publisher(on.backend());
    await serves(before, 1n);
    await before.midnight.stop();
    setClock(at.clock, new Date(MIDNIGHTS[2].getTime() + 60_000));
    const after = await publisher(on.backend());
    await serves(after, 2n);
    expect((await after.lists.highest(at.issuer.skiHex))?.cut).toEqual(MIDNIGHTS[2]);
    await hasScheduler(after);
  });
});

redisHere.describe('a Redis that loses everything', () => {
  const redis = new TestRedis();
  const backend = () => ({ kind: 'redis' as const, url: redis.url });
  beforeAll(() => redis.start());
  afterAll(() => redis.close());

  /** Minutes pass until the scheduler is there again: the first may still find a connection that is none. */
  async function minutesUntilScheduled(one: Publisher): Promise<void> {
    await eventually(async () => {
      await one.midnight.minute();
      expect(one.alarms.counts.get('schedulerMissing')).toBe(1);
    });
    await hasScheduler(one);
  }

  it('by FLUSHALL costs a warning: the scheduler is set up again, the list of midnight is published', async () => {
    const one = await publisher(backend());
    await serves(one, 1n);
    await hasScheduler(one);
    await redis.command('FLUSHALL');
    await hasNoScheduler(one);
    await minutesUntilScheduled(one);
    at.owner.suspend(newCard());
    setClock(at.clock, MIDNIGHTS[0]);
    await one.midnight.minute();
    await serves(one, 2n);
    expect([...one.alarms.counts.keys()]).toEqual(['schedulerMissing']);
  });

  it('by SIGKILL costs a warning too, and the tick of a scheduler that came back makes lists', async () => {
    const one = await publisher(backend());
    await serves(one, 1n);
    await redis.kill();
    await redis.start();
    await minutesUntilScheduled(one);
    setClock(at.clock, MIDNIGHTS[0]);
    const tick = new DailyJob({ backend: backend(), queue: 'crl-publisher', pattern: '* * * * * *', work: async () => {} }); // prettier-ignore
    await tick.ensureScheduler();
    await serves(one, 2n); // by the worker that was there before
    await tick.close();
    const warnings = ['jobQueueUnreachable', 'schedulerMissing'];
    expect([...one.alarms.counts.keys()].filter((alarm) => !warnings.includes(alarm))).toEqual([]);
  });

  it('and is away for the whole midnight costs a warning: the plain timer makes the list', async () => {
    const one = await publisher(backend());
    await serves(one, 1n);
    await hasScheduler(one);
    await redis.kill();
    at.owner.suspend(newCard());
    setClock(at.clock, MIDNIGHTS[0]);
    await one.midnight.minute();
    await serves(one, 2n);
    expect([...one.alarms.counts]).toEqual([['jobQueueUnreachable', 1]]);
    await redis.start();
    await minutesUntilScheduled(one);
    setClock(at.clock, MIDNIGHTS[1]);
    await one.midnight.minute();
    await serves(one, 3n);
  });

  it('and is not there at the start costs a warning as well', async () => {
    await redis.kill();
    const one = await publisher(backend());
    await serves(one, 1n);
    await one.midnight.minute();
    expect([...one.alarms.counts]).toEqual([['jobQueueUnreachable', 1]]);
    await redis.start();
    await hasScheduler(one);
  });
});
