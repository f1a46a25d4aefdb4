import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type TestService, withTestDatabase } from '#libs/database';
import { type KaikaEvent, newEvent, topicOf } from '#libs/events';
import { effects, MEMBER_MIGRATIONS, numbered } from '../test/member.js';
import { eventually } from '../test/eventually.js';
import { Consumer, DeadLetters, type Delivery, type Handlers, Outbox, Watchdog } from './index.js';

const database = withTestDatabase();
let service: TestService;
let consumer: Consumer;
let n = 0;

beforeAll(() => Logger.overrideLogger(false));
beforeEach(async () => {
  service = await database.service(`service_${++n}`, MEMBER_MIGRATIONS);
  consumer = new Consumer(service.source, { maxAttempts: 5, firstRetryMs: 1 });
});

const record = (event: KaikaEvent, change: Partial<Delivery> = {}): Delivery => ({
  topic: topicOf(event.type),
  key: event.subject,
  value: JSON.stringify(event),
  id: event.id,
  ...change,
});
const write = (key: string, value: number, tx: EntityManager) =>
  tx.query('insert into effect (key, n) values ($1, $2)', [key, value]);

/** Fails as often as it is told to, after writing. */
function failing(times: number, error: () => unknown): Handlers & { calls: number } {
  const handlers = {
    calls: 0,
    'application.received': async (e: KaikaEvent, tx: EntityManager) => {
      handlers.calls++;
      await write(e.subject, handlers.calls, tx);
      if (handlers.calls <= times) throw error();
    },
  };
  return handlers as unknown as Handlers & { calls: number };
}
const fine = () => failing(0, () => undefined);
const attempts = async () =>
  (await service.source.query<{ attempts: number }[]>('select attempts from delivery_attempt')).map((r) => r.attempts);
const letters = () =>
  service.source.query<{ state: string; reason: string }[]>('select state, reason from dead_letter');

describe('the consumer', () => {
  it('leaves no trace of a failed attempt, and counts it until one succeeds', async () => {
    await consumer.receive(
      record(numbered('a', 1)),
      failing(4, () => new TypeError('no')),
    );
    expect(await effects(service)).toEqual(new Map([['a', [5]]]));
    expect(await attempts()).toEqual([]);
    expect(consumer.counts).toMatchObject({ handled: 1, retried: 4, deadLettered: 0 });
  });

  it('has counted an attempt before the handler runs', async () => {
    let counted: number[] = [];
    const on: Handlers = { 'application.received': async () => void (counted = await attempts()) };
    await consumer.receive(record(numbered('a', 1)), on);
    expect(counted).toEqual([1]);
  });

  it('buries an event that ended the process at every attempt, without another try', async () => {
    const event = record(numbered('a', 1));
    await service.source.query(`insert into delivery_attempt values ($1, $2, 5)`, [event.topic, event.id]);
    const on = fine();
    await consumer.receive(event, on);
    expect(on.calls).toBe(0);
    expect(await letters()).toMatchObject([{ state: 'dead', reason: expect.stringMatching(/process is killed/) }]);
  });

  it('waits errors of the surroundings out, which never count', async () => {
    const refused = () => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    await consumer.receive(record(numbered('a', 1)), failing(9, refused));
    await consumer.receive(
      record(numbered('b', 1)),
      failing(9, () => Object.assign(new Error(), { status: 503 })),
    );
    expect(consumer.counts).toMatchObject({ handled: 2, retried: 18, deadLettered: 0 });
  });

  it('goes on when its own database was away', async () => {
    await database.server.stop();
    const receiving = consumer.receive(record(numbered('a', 1)), fine());
    await eventually(() => expect(consumer.counts.retried).toBeGreaterThan(2));
    await database.restart();
    await receiving;
    expect(await effects(service)).toEqual(new Map([['a', [1]]]));
  });

  it('has one effect when the same record is delivered several times at once', async () => {
    const on = fine();
    await Promise.all([1, 2, 3, 4].map(() => consumer.receive(record(numbered('a', 1), { id: 'same' }), on)));
    const event = record(numbered('b', 1));
    await Promise.all([1, 2, 3, 4].map(() => consumer.receive(event, on)));
    expect((await effects(service)).get('b')).toHaveLength(1);
    expect(consumer.counts.duplicate).toBe(3);
  });

  it('ignores and counts what this service does not handle or this version does not know', async () => {
    const unknown = JSON.stringify({ ...numbered('a', 1), type: 'card.painted' });
    const notOurs = newEvent('application.rejected', 'a', { caseNumber: '1' }, { source: 'x', now: new Date(0) });
    const malformedNotOurs = JSON.stringify({ ...notOurs, data: {} });
    await consumer.receive(record(numbered('a', 1), { value: unknown }), fine());
    await consumer.receive(record(notOurs), fine());
    await consumer.receive(record(notOurs, { value: malformedNotOurs }), fine());
    expect(consumer.counts).toMatchObject({ unknown: 1, ignored: 2, deadLettered: 0 });
    expect(await letters()).toEqual([]);
  });

  describe.each<[what: string, change: (event: KaikaEvent) => Partial<Delivery>, outcome: string]>([
    ['not JSON', () => ({ value: '{"half": ' }), 'dead'],
    ['empty', () => ({ value: '' }), 'dead'],
    ['JSON, but no object', () => ({ value: '[1]' }), 'dead'],
    ['nested 100,000 deep', () => ({ value: '['.repeat(100_000) + ']'.repeat(100_000) }), 'dead'],
    ['of a type nobody knows', (e) => ({ value: JSON.stringify({ ...e, type: 'card.painted' }) }), 'unknown'],
    ['of a future version of its type', (e) => ({ value: JSON.stringify({ ...e, type: `${e.type}.v2` }) }), 'unknown'],
    ['of a future version of CloudEvents', (e) => ({ value: JSON.stringify({ ...e, specversion: '2.0' }) }), 'dead'],
    ['with fields of a future version', (e) => ({ value: JSON.stringify({ ...e, later: 1, data: { ...e.data, later: {} } }) }), 'handled'], // prettier-ignore
    ['without a field', (e) => ({ value: JSON.stringify({ ...e, data: {} }) }), 'dead'],
    ['without its id', (e) => ({ value: JSON.stringify({ ...e, id: undefined }) }), 'dead'],
    [
      'of 2 MB',
      (e) => ({ value: JSON.stringify({ ...e, data: { ...e.data, later: 'x'.repeat(2_000_000) } }) }),
      'dead',
    ],
    ['under another key', () => ({ key: 'another' }), 'dead'],
    ['without a key', () => ({ key: '' }), 'dead'],
  ])('an event that is %s', (_what, change, outcome) => {
    it(`is ${outcome}; other cards go on, and nothing of it is told`, async () => {
      const bad = numbered('a', 1);
      const delivery = record(bad, change(bad));
      await consumer.receive(delivery, fine());
      await consumer.receive(delivery, fine());
      await consumer.receive(record(numbered('a', 2)), fine());
      await consumer.receive(record(numbered('b', 1)), fine());
      const has = await effects(service);
      expect(has.get('b')).toEqual([1]);
      const parked = outcome === 'dead' && delivery.key === 'a';
      expect(has.get('a')?.length ?? 0).toBe(parked ? 0 : outcome === 'handled' ? 2 : 1);
      expect((await letters()).map(({ state }) => state)).toEqual(outcome === 'dead' ? (parked ? ['dead', 'waiting'] : ['dead']) : []); // prettier-ignore
      expect(consumer.counts).toMatchObject({ unknown: outcome === 'unknown' ? 2 : 0, ignored: 0 });
      const shown = await new DeadLetters(service.source, () => Promise.reject(new Error('not asked'))).list();
      expect(JSON.stringify(shown)).not.toMatch(/half|xxxx/);
    });
  });

  it('never sends an event that nobody would read', async () => {
    const large = newEvent(
      'application.rejected',
      'a',
      { caseNumber: 'x'.repeat(900_000) },
      { source: 'x', now: new Date(0) },
    );
    const adding = service.source.transaction((tx) => new Outbox().add(tx, [numbered('a', 1), large]));
    await expect(adding).rejects.toThrow(/application\.rejected .* is larger than 900000 octets/);
  });

  it('buries octets that are no text for PostgreSQL', async () => {
    await consumer.receive(record(numbered('a', 1), { value: 'x\0y' }), fine());
    expect(await letters()).toMatchObject([{ state: 'dead' }]);
  });

  it('tells no value of a malformed event', async () => {
    const value = JSON.stringify({ ...numbered('a', 1), data: { caseNumber: ['secret-code'] } });
    await consumer.receive(record(numbered('a', 1), { value }), fine());
    expect(JSON.stringify(await letters())).not.toContain('secret-code');
  });

  it('has its watchdog tell of a handler that never ends, and not of one that is tried for long', async () => {
    const ends: string[] = [];
    const watchdog = new Watchdog({
      answers: async () => true,
      onStandstill: (reason) => ends.push(reason),
      limitMs: 200,
      everyMs: 20,
    });
    const watched = new Consumer(service.source, { maxAttempts: 5, firstRetryMs: 100, watchdog });
    watchdog.start();
    const refused = () => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    await watched.receive(record(numbered('a', 1)), failing(3, refused));
    expect(ends).toEqual([]);
    let release = (): void => {};
    const hanging: Handlers = { 'application.received': () => new Promise<void>((done) => (release = done)) };
    const receiving = watched.receive(record(numbered('a', 2)), hanging);
    await eventually(() => expect(ends).toEqual([expect.stringMatching(/stuck .* kaika\.issuance\.v1/)]));
    release();
    await Promise.all([receiving, watchdog.stop()]);
  });

  it('stops between attempts when its partition is taken away, and leaves the record to the next owner', async () => {
    const stop = new AbortController();
    const on = failing(Infinity, () => (stop.abort(), Object.assign(new Error(), { code: 'ECONNRESET' })));
    await expect(consumer.receive(record(numbered('a', 1), { signal: stop.signal }), on)).rejects.toThrow(/stopped/);
    expect(await effects(service)).toEqual(new Map());
  });

  it('tries events of a replicated log for ever, and leaves out what cannot be read', async () => {
    const event = record(numbered('a', 1));
    const endless = new Consumer(service.source, { maxAttempts: 2, firstRetryMs: 0, replicated: [event.topic] });
    await endless.receive({ ...event, value: '{' }, fine());
    await endless.receive(
      event,
      failing(6, () => new TypeError('no')),
    );
    expect(endless.counts).toMatchObject({ ignored: 1, handled: 1, deadLettered: 0 });
  });

  it('waits with an event of a key that is being replayed, and handles it after', async () => {
    await consumer.receive(
      record(numbered('a', 1)),
      failing(Infinity, () => new TypeError('no')),
    );
    let late: Promise<void> | undefined;
    const on: Handlers = { 'application.received': (e, tx) => write(e.subject, Number(e.data.caseNumber), tx) };
    const dead = new DeadLetters(service.source, async (delivery) => {
      if (!late) {
        late = consumer.receive(record(numbered('a', 2)), on);
        await eventually(async () => expect(await waiting()).toBe(1));
      }
      await consumer.receive(delivery, on);
    });
    const [letter] = await dead.list();
    // The late one gets its turn from the replay or, if that was quicker, on its own.
    expect(await dead.replay(letter!.id, 'officer')).toMatchObject({ freed: true });
    await late;
    expect(await effects(service)).toEqual(new Map([['a', [1, 2]]]));
  });

  const waiting = async (): Promise<number> => {
    const sql = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`;
    return (await service.source.query<{ n: number }[]>(sql))[0]!.n;
  };
});

describe('dead letters', () => {
  it('name what is not there, or is resolved already', async () => {
    const dead = new DeadLetters(service.source, () => Promise.reject(new Error('not asked')));
    for (const id of ['0', '99', 'x', '1; drop table inbox']) {
      await expect(dead.replay(id, 'officer')).rejects.toMatchObject({ code: 'notFound' });
    }
    await consumer.receive(
      record(numbered('a', 1)),
      failing(Infinity, () => new TypeError('no')),
    );
    const [letter] = await dead.list();
    const discard = () => service.source.transaction((tx) => dead.discard(tx, letter!.id, 'officer'));
    await discard();
    await expect(discard()).rejects.toMatchObject({ code: 'conflict' });
    expect(await dead.list({ states: ['discarded'] })).toMatchObject([{ resolvedBy: 'officer', state: 'discarded' }]);
  });

  it('that were resolved while a replay of theirs failed stay resolved', async () => {
    await consumer.receive(
      record(numbered('a', 1)),
      failing(Infinity, () => new TypeError('no')),
    );
    const on: Handlers = { 'application.received': (e, tx) => write(e.subject, Number(e.data.caseNumber), tx) };
    const mended = new DeadLetters(service.source, (delivery) => consumer.receive(delivery, on));
    const [letter] = await mended.list();
    const broken = new DeadLetters(service.source, async () => {
      throw new TypeError('still no');
    });
    // The other operator's replay gets the key as soon as the failed one has let go of it.
    const transaction = service.source.transaction.bind(service.source);
    const between = jest.spyOn(service.source, 'transaction').mockImplementationOnce(async (...given: unknown[]) => {
      await expect((transaction as (...all: unknown[]) => Promise<unknown>)(...given)).rejects.toThrow('still no');
      expect(await mended.replay(letter!.id, 'another')).toEqual({ replayed: 1, freed: true });
      throw new TypeError('still no');
    });
    expect(await broken.replay(letter!.id, 'officer')).toMatchObject({ freed: false });
    between.mockRestore();
    expect(await mended.list({ states: ['replayed'] })).toMatchObject([{ id: letter!.id, resolvedBy: 'another' }]);
    expect(await mended.list()).toEqual([]);
    expect(await effects(service)).toEqual(new Map([['a', [1]]]));
  });

  it('keep to their key: the same card on another topic goes on', async () => {
    await consumer.receive(
      record(numbered('a', 1)),
      failing(Infinity, () => new TypeError('no')),
    );
    await consumer.receive(record(numbered('a', 2), { topic: 'kaika.acceptance.v1' }), fine());
    expect(await effects(service)).toEqual(new Map([['a', [1]]]));
  });
});
