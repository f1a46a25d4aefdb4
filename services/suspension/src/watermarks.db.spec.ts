import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { parseEvent, type EventData } from '#libs/events';
import { createLogger } from '#libs/host';
import type { BusRecord } from '#libs/messaging';
import { Bench } from './suspension.fixture.js';
import { Watermarks } from './watermarks.js';

type Mark = EventData<'status.watermark'>;
const NOW = new Date('2026-08-21T15:50:00Z');
const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;
let sent: BusRecord[];
let watermarks: Watermarks;
const never = new AbortController().signal;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
  await bench.moveTo(NOW);
});
afterAll(() => rmSync(dir, { recursive: true }));
beforeEach(() => {
  sent = [];
  const sink = { send: async (records: BusRecord[]) => void sent.push(...records), close: async () => {} };
  watermarks = new Watermarks(bench.source, sink, bench.clock, createLogger('silent'));
});

const marks = () => sent.map(({ value }) => (parseEvent(value) as { data: Mark }).data);
const dispatch = () =>
  bench.source.query('update outbox set dispatched_at = clock_timestamp() where dispatched_at is null');
const until = async (done: () => Promise<boolean> | boolean) => {
  const deadline = systemClock().nowMs() + 20_000;
  while (!(await done())) {
    if (systemClock().nowMs() > deadline) throw new Error('waited for nothing');
    await sleep(5);
  }
};

describe('a watermark', () => {
  it('says how far the log goes, on the status topic, always with one key; of an empty log too', async () => {
    await watermarks.send(never);
    expect(marks()).toMatchObject([{ seq: 0 }]);
    await bench.suspend(await bench.card());
    await dispatch();
    await watermarks.send(never);
    const { epoch } = (await bench.log.read(0, 1)) as { epoch: string };
    expect(marks().at(-1)).toMatchObject({ epoch, seq: (await bench.rows()).length });
    expect(new Set(sent.map(({ topic, key }) => `${topic} ${key}`))).toEqual(new Set(['kaika.status.v1 log']));
  });

  it('waits until every row up to it has left, and not for later ones', async () => {
    await bench.suspend(await bench.card());
    const [{ id }] = (await bench.source.query('select max(id) as id from outbox')) as [{ id: string }];
    const first = watermarks.send(never);
    await until(async () => (await bench.count(`pg_stat_activity where query like 'select 1 from outbox%'`)) > 0);
    await bench.suspend(await bench.card());
    expect(sent).toEqual([]);
    await bench.source.query('update outbox set dispatched_at = clock_timestamp() where id <= $1', [id]);
    await first;
    expect(marks()).toMatchObject([{ seq: (await bench.rows()).length - 1 }]);
    await dispatch();
  });

  it('that waits ends when the service stops', async () => {
    await bench.suspend(await bench.card());
    const stop = new AbortController();
    const waiting = watermarks.send(stop.signal);
    stop.abort();
    await waiting;
    expect(sent).toEqual([]);
    await dispatch();
  });

  it('is true while others write: no row above it has a time that is not after it', async () => {
    const cards = await Promise.all(Array.from({ length: 6 }, () => bench.card()));
    let writing = true;
    let relays = true;
    const relaying = (async () => {
      while (relays) await dispatch();
    })();
    const saying = (async () => {
      while (writing) await watermarks.send(never);
    })();
    await Promise.all(
      cards.map(async (card) => {
        for (let n = 0; n < 15; n++) await (n % 2 === 0 ? bench.suspend(card) : bench.resume(card));
      }),
    );
    writing = false;
    await saying; // the last mark waits for rows that are still to be relayed
    relays = false;
    await relaying;
    const rows = await bench.rows();
    expect(sent.length).toBeGreaterThan(3);
    let last: Mark | undefined;
    for (const mark of marks()) {
      for (const row of rows) {
        if (row.seq > mark.seq) expect(Date.parse(row.at)).toBeGreaterThan(Date.parse(mark.time));
      }
      if (last) expect([mark.seq >= last.seq, mark.time >= last.time]).toEqual([true, true]);
      last = mark;
    }
  });

  it('waits for a writer that has taken its time and not committed', async () => {
    const card = await bench.card();
    let commit!: () => void;
    const held = new Promise<void>((done) => (commit = done));
    let written!: () => void;
    const row = new Promise<void>((done) => (written = done));
    const slow = bench.transaction(async (tx) => {
      const { lockCard } = await import('./card.js');
      await bench.changes.withReceipt(tx, (await lockCard(tx, card))!, { name: 'hold', holder: 'ca' });
      written();
      await held;
    });
    await row;
    const mark = watermarks.send(never);
    await until(async () => (await bench.count('pg_locks where not granted')) > 0);
    expect(sent).toEqual([]);
    commit();
    await slow;
    await dispatch();
    await mark;
    expect(marks()).toMatchObject([{ seq: (await bench.rows()).at(-1)!.seq }]);
  });

  it('does not go back with the clock', async () => {
    await bench.moveTo(new Date(NOW.getTime() + 3_600_000));
    await bench.suspend(await bench.card());
    await dispatch();
    await watermarks.send(never);
    await bench.moveTo(NOW);
    await watermarks.send(never);
    const [before, after] = marks();
    expect(Date.parse(after!.time)).toBeGreaterThanOrEqual(Date.parse((await bench.rows()).at(-1)!.at) - 1);
    expect(after!.seq).toBe(before!.seq);
  });
});
