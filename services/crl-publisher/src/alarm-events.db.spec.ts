import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { parseEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { AlarmEvents } from './alarm-events.js';
import { ALARMS } from './alarms.js';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { MIDNIGHTS, PublisherFixture, setClock, silent } from './publisher.fixture.js';

const at = new PublisherFixture(withTestDatabase());
const started: AlarmEvents[] = [];

beforeAll(() => at.start(), 120_000);
beforeEach(() => at.reset());
afterAll(() => at.stop());

/** One replica that tells its alarms. */
function replica() {
  const runner = at.runner();
  const { source } = at.service;
  const events = new AlarmEvents(source, new Outbox(source), at.clock, runner.alarms, silent);
  started.push(events);
  const jobs = { kind: 'postgres' as const, url: 'postgres://nobody@127.0.0.1:1/none' };
  const midnight = new Midnight({ ...runner, ...at.midnightParts, log: silent, jobs });
  return { ...runner, events, midnight, settled: () => events.beforeApplicationShutdown() };
}

/** What was sent about alarms, in order. */
async function told(): Promise<string[]> {
  const rows = await at.service.source.query<{ key: string; value: string }[]>(
    'select key, value from outbox order by id',
  );
  return rows.flatMap(({ key, value }) => {
    const event = parseEvent(value)!;
    if (event.type !== 'alarm.raised' && event.type !== 'alarm.cleared') return [];
    expect([event.data.alarm, event.source, event.data.service]).toEqual([
      key,
      '/kaika/crl-publisher',
      'crl-publisher',
    ]);
    expect(event.data.detail).toBe(ALARMS[event.data.alarm as keyof typeof ALARMS]);
    return [`${event.data.alarm} ${event.type.slice(6)}`];
  });
}

describe('an alarm', () => {
  it('is told once when it is raised and once when it is cleared, however often that is said', async () => {
    const one = replica();
    for (let time = 0; time < 3; time++) {
      one.alarms.raise('listOverdue', { about: 'SECRET' });
      await one.settled();
    }
    expect(await told()).toEqual(['listOverdue raised']);
    expect(await one.events.open()).toMatchObject([{ alarm: 'listOverdue', since: expect.any(Date) }]);
    for (let time = 0; time < 3; time++) {
      one.alarms.clear('listOverdue', 'listStale');
      await one.settled();
    }
    one.alarms.raise('listOverdue');
    await one.settled();
    expect(await told()).toEqual(['listOverdue raised', 'listOverdue cleared', 'listOverdue raised']);
    expect(JSON.stringify(await at.service.source.query('select value from outbox'))).not.toContain('SECRET');
  });

  it('is told once by several replicas, and a replica whose own files are well leaves those of others alone', async () => {
    const [one, two] = [replica(), replica()];
    two.alarms.clear('reconcileFailed');
    await two.settled();
    for (const each of [one, two]) each.alarms.raise('runFailed');
    one.alarms.raise('reconcileFailed');
    two.alarms.clear('reconcileFailed');
    await Promise.all([one.settled(), two.settled()]);
    expect((await told()).sort()).toEqual(['reconcileFailed raised', 'runFailed raised']);
  });

  it('outlives the process: the next one does not raise it anew, and clears what has passed', async () => {
    const before = replica();
    before.alarms.raise('reconcileFailed');
    await before.settled();
    const after = replica();
    after.alarms.raise('reconcileFailed');
    await after.settled();
    const last = replica();
    last.alarms.clear('reconcileFailed');
    await last.settled();
    expect(await told()).toEqual(['reconcileFailed raised', 'reconcileFailed cleared']);
  });

  it('is told with the next one when the database was away', async () => {
    const one = replica();
    const away = jest.spyOn(at.service.source, 'transaction').mockRejectedValueOnce(new Error('away'));
    one.alarms.raise('runHeld');
    await one.settled();
    expect(away).toHaveBeenCalledTimes(1);
    expect(await told()).toEqual([]);
    one.alarms.clear('listStale');
    await one.settled();
    expect(await told()).toEqual(['runHeld raised']);
  });

  it('that turns while it is written ends as it was said last', async () => {
    const one = replica();
    one.alarms.raise('runHeld');
    one.alarms.clear('runHeld');
    one.alarms.raise('runHeld');
    one.alarms.clear('runHeld');
    await one.settled();
    expect(await one.events.open()).toEqual([]);
    expect((await told()).length % 2).toBe(0);
  });
});

describe('of a list that is late', () => {
  it('both are told, and cleared once it is there', async () => {
    const one = replica();
    await one.run.perform();
    await one.midnight.reconcile();
    at.owner.suspend(newCard());
    setClock(at.clock, new Date(MIDNIGHTS[0].getTime() + 9 * 3_600_000));
    await one.midnight.minute();
    await one.midnight.stop();
    await one.run.perform();
    await one.midnight.reconcile();
    await one.midnight.minute();
    await one.settled();
    expect(await told()).toEqual([
      'listOverdue raised',
      'listStale raised',
      'jobQueueUnreachable raised', // there is none here
      'listOverdue cleared',
      'listStale cleared',
    ]);
  });
});
