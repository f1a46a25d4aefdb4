import { beforeEach, describe, expect, it } from '@jest/globals';
import { type DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { CaError } from '#libs/errors';
import { ATTEMPT_POLICIES } from './attempt-policy.js';
import { AttemptStore, type Attempt } from './attempt-store.js';
import { ATTEMPT_MIGRATION } from './attempt.migration.js';

const database = withTestDatabase();
const clock = new Clock();
let source: DataSource;
let store: AttemptStore;

beforeEach(async () => {
  source ??= (await database.service('suspension', [ATTEMPT_MIGRATION])).source;
  store = new AttemptStore(source, clock);
  clock.set(-365 * 86_400_000);
  await source.query('delete from attempt');
});

const CARD = 'TT00000000000051';
const suspend: Attempt = { cardNumber: CARD, purpose: 'suspend', source: '192.0.2.1' };
const wrong = async () => false;
const right = async () => true;
const later = (seconds: number) => clock.set(clock.offsetMs + seconds * 1_000);
/** From a new source each time, so that only the card counts. */
const failMany = async (attempt: Attempt, times: number) => {
  for (let i = 0; i < times; i += 1) await store.check({ ...attempt, source: `10.0.0.${i}` }, wrong);
};

describe('AttemptStore', () => {
  it('delays a card after some failures, and says how long', async () => {
    await failMany(suspend, 5);
    await expect(store.begin(suspend)).rejects.toMatchObject({
      code: 'tooManyAttempts',
      params: { retryAfterSeconds: 5 },
    });
    later(5);
    await expect(store.check(suspend, wrong)).resolves.toBe(false);
    await expect(store.begin(suspend)).rejects.toMatchObject({ params: { retryAfterSeconds: 10 } });
  });

  it('starts again from nothing after a success', async () => {
    await failMany(suspend, 4);
    await expect(store.check(suspend, right)).resolves.toBe(true);
    await failMany(suspend, 5);
    await expect(store.begin(suspend)).rejects.toBeInstanceOf(CaError);
  });

  it('lets no more through than the free ones when a hundred guesses come at once', async () => {
    let checks = 0;
    const guesses = Array.from({ length: 100 }, (_, i) =>
      store.check({ ...suspend, source: `10.0.1.${i}` }, async () => {
        checks += 1;
        return false;
      }),
    );
    const results = await Promise.allSettled(guesses);
    expect(checks).toBe(ATTEMPT_POLICIES.suspend.free);
    expect(results.filter((r) => r.status === 'rejected')).toHaveLength(95);
  });

  it('counts cards crossed between sources at once without a deadlock', async () => {
    const cards = Array.from({ length: 8 }, (_, i) => `TT0000000000000${i}`);
    const attempts = cards.flatMap((cardNumber, i) =>
      cards.map((_, j) => store.check({ cardNumber, purpose: 'accept', source: `10.0.2.${(i + j) % 8}` }, wrong)),
    );
    for (const result of await Promise.allSettled(attempts)) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'tooManyAttempts' });
    }
  });

  it('counts an attempt whose process died before the answer', async () => {
    for (let i = 0; i < 5; i += 1) await store.begin(suspend);
    await expect(store.begin(suspend)).rejects.toMatchObject({ code: 'tooManyAttempts' });
  });

  it('does not count a check that could not take place', async () => {
    const busy = () => Promise.reject(new CaError('tooBusy', ''));
    for (let i = 0; i < 20; i += 1) await expect(store.check(suspend, busy)).rejects.toMatchObject({ code: 'tooBusy' });
    await expect(store.check(suspend, right)).resolves.toBe(true);
  });

  it('does not count an attempt it refused: who waits is let in', async () => {
    await failMany(suspend, 5);
    for (let i = 0; i < 10; i += 1) await expect(store.begin(suspend)).rejects.toBeInstanceOf(CaError);
    later(5);
    await expect(store.check(suspend, right)).resolves.toBe(true);
  });

  it('never locks suspension, and locks resumption until an officer opens it', async () => {
    const resume: Attempt = { ...suspend, purpose: 'resume' };
    for (let i = 0; i < 10; i += 1) {
      await store.check({ ...resume, source: `10.0.3.${i}` }, wrong);
      await store.check({ ...suspend, source: `10.0.4.${i}` }, wrong);
      later(3_600);
    }
    await expect(store.begin(resume)).rejects.toMatchObject({ code: 'attemptsLocked' });
    await expect(store.check(suspend, right)).resolves.toBe(true);
    later(300 * 86_400);
    await store.prune();
    await expect(store.begin(resume)).rejects.toMatchObject({ code: 'attemptsLocked' });
    await store.unlock(CARD, 'resume');
    await expect(store.check(resume, right)).resolves.toBe(true);
  });

  it('counts a proven card apart from strangers', async () => {
    await failMany(suspend, 5);
    await expect(store.check({ ...suspend, proven: true }, right)).resolves.toBe(true);
    await expect(store.begin(suspend)).rejects.toBeInstanceOf(CaError);
  });

  it('counts a source over all cards, and a known code earns it no guesses at others', async () => {
    for (let i = 0; i < 10; i += 1) {
      await store.check({ ...suspend, cardNumber: `TT000000000001${i}0` }, wrong);
      if (i < 9) await store.check(suspend, right);
    }
    await expect(store.begin(suspend)).rejects.toMatchObject({ code: 'tooManyAttempts' });
    await expect(store.check({ ...suspend, source: '192.0.2.2' }, right)).resolves.toBe(true);
  });

  it('forgets after a quiet day, and drops such rows', async () => {
    await failMany(suspend, 5);
    later(86_400);
    await expect(store.check(suspend, wrong)).resolves.toBe(false);
    await failMany(suspend, 4);
    later(2 * 86_400);
    expect(await store.prune()).toBe(7);
    const [{ n }] = (await source.query('select count(*)::int as n from attempt')) as [{ n: number }];
    expect(n).toBe(0);
  });

  it('treats an unknown card like a known one', async () => {
    const unknown: Attempt = { ...suspend, cardNumber: 'XX99999999999999' };
    await failMany(unknown, 5);
    await expect(store.begin(unknown)).rejects.toMatchObject({
      code: 'tooManyAttempts',
      params: { retryAfterSeconds: 5 },
    });
  });
});
