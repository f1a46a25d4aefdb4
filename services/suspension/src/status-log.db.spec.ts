import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { lastMidnight, nextMidnight, sleep, systemClock } from '#libs/clock';
import { readLogClock, withTestDatabase } from '#libs/database';
import { FIRST_PREV_HASH, HOLDERS, type CutRow } from '#libs/events';
import type { Command } from './card-status.js';
import { replay } from './replay.fixture.js';
import { Bench, issued } from './suspension.fixture.js';
import { utcSeconds } from './utc.js';

const HOUR_MS = 3_600_000;
const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;
let owner: DataSource;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
  owner = await database.open(bench.db.ownerUrl, bench.db.schema);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** An empty log, as only the owner of the schema can make one. */
beforeEach(async () => {
  await owner.query('truncate suspension.status_log, suspension.card, suspension.receipt, suspension.outbox cascade');
  await owner.query(`update suspension.log_head set seq = 0, hash = $1, at = null, last_cut = null, lists = '{}'`, [
    FIRST_PREV_HASH,
  ]);
  await bench.moveTo(NIGHT);
});

/** 23:50 in Taipei, long enough ago for tests that move on by months. */
const NIGHT = new Date(lastMidnight(new Date(systemClock().nowMs() - 300 * 24 * HOUR_MS)).getTime() - HOUR_MS / 6);
const MIDNIGHT = nextMidnight(NIGHT);
const after = (minutes: number) => new Date(MIDNIGHT.getTime() + minutes * 60_000);
const kinds = async () => (await bench.rows()).map((row) => row.kind);

describe('a cut', () => {
  it('on an empty log is its first row, and the same row when asked for again', async () => {
    const cut = lastMidnight(NIGHT);
    const marker = await bench.log.cut(cut);
    expect(marker).toMatchObject({ kind: 'cut', seq: 1, lists: [], prevHash: FIRST_PREV_HASH });
    const again = await Promise.all(Array.from({ length: 10 }, () => bench.log.cut(cut)));
    for (const row of again) expect(row).toEqual(marker);
    expect(await kinds()).toEqual(['cut']);
    expect(await bench.count('outbox')).toBe(1);
  });

  it('is refused while the log’s clock is before it, and when it is no midnight in Taipei', async () => {
    await expect(bench.log.cut(MIDNIGHT)).rejects.toMatchObject({ code: 'cutInFuture' });
    await expect(bench.log.cut(new Date(NIGHT.getTime() - 1))).rejects.toMatchObject({ code: 'invalidRequest' });
    expect(await kinds()).toEqual([]);
    await bench.moveTo(MIDNIGHT);
    expect(await bench.log.cut(MIDNIGHT)).toMatchObject({ seq: 1 });
  });

  it('that was missed is never made up for: a change may be above it already', async () => {
    await bench.moveTo(after(48 * 60));
    await expect(bench.log.cut(MIDNIGHT)).rejects.toMatchObject({ code: 'cutPassed' });
    await bench.log.cut(after(48 * 60));
    await expect(bench.log.cut(after(24 * 60))).rejects.toMatchObject({ code: 'cutPassed' });
  });

  it('is written by the first change after midnight, below it, and says what was listed before', async () => {
    const [first, second] = [await bench.card(), await bench.card()];
    await bench.suspend(first);
    await bench.moveTo(after(5));
    await bench.suspend(second);
    await bench.resume(first);
    expect(await kinds()).toEqual(['cut', 'suspended', 'cut', 'suspended', 'resumed']);
    const rows = await bench.rows();
    expect((rows[2] as CutRow).lists).toMatchObject([{ count: 2 }]);
    expect(await bench.log.cut(MIDNIGHT)).toEqual(rows[2]);
    replay(rows);
  });

  it('is written by the timer’s look once it is due, and not on an empty log', async () => {
    await bench.moveTo(after(1));
    expect(await bench.log.cutIfDue()).toBeUndefined();
    await bench.accept(await bench.card());
    expect(await bench.log.cutIfDue()).toBeUndefined();
    await bench.moveTo(after(24 * 60));
    const marker = await bench.log.cutIfDue();
    expect(marker).toMatchObject({ kind: 'cut', seq: 3 });
    expect(await bench.log.cut(after(24 * 60))).toEqual(marker);
    expect(await bench.log.cutIfDue()).toBeUndefined();
  });

  it('is written once by timer, publisher and changes at the same moment', async () => {
    const cards = [await bench.card(), await bench.card(), await bench.card()];
    await bench.accept(cards[0]!);
    await bench.moveTo(after(0));
    await Promise.all([
      ...cards.map((card) => bench.suspend(card)),
      ...[1, 2, 3].flatMap(() => [bench.log.cut(MIDNIGHT), bench.log.cutIfDue()]),
    ]);
    expect((await kinds()).filter((kind) => kind === 'cut')).toHaveLength(2);
    replay(await bench.rows());
  });
});

describe('a writer that waits for the log’s lock over midnight', () => {
  /** A transaction that holds the log's lock, as of a writer that will fail. */
  const blocker = async () => {
    const client = new Client({ connectionString: bench.db.appUrl });
    await client.connect();
    await client.query('begin');
    await client.query('select 1 from log_head for update');
    return { rollback: async () => void (await client.query('rollback'), await client.end()) };
  };
  const waiting = async (writers: number) => {
    const until = systemClock().nowMs() + 20_000;
    for (;;) {
      const [locks] = (await owner.query('select count(*)::int as n from pg_locks where not granted')) as [
        { n: number },
      ];
      if (locks.n >= writers) return;
      if (systemClock().nowMs() > until) throw new Error('nobody waits for the lock');
      await sleep(5);
    }
  };

  it('and goes on after a roll-back takes a time of after midnight, above the marker', async () => {
    const card = await bench.card();
    const first = await blocker();
    const queued = bench.suspend(card);
    await waiting(1);
    await bench.moveTo(after(1));
    await first.rollback();
    await queued;
    const rows = await bench.rows();
    expect(rows.map((row) => row.kind)).toEqual(['cut', 'suspended']);
    expect((rows[0] as CutRow).cut).toBe(utcSeconds(MIDNIGHT));
    expect(Date.parse(rows[1]!.at)).toBeGreaterThanOrEqual(after(1).getTime());
    replay(rows);
  });

  it('and whose midnight is not the newest any more by then writes the newest', async () => {
    await bench.accept(await bench.card());
    await bench.moveTo(after(1));
    const first = await blocker();
    const looked = bench.log.cutIfDue();
    await waiting(1);
    await bench.moveTo(after(24 * 60 + 1));
    await first.rollback();
    expect((await looked)!.cut).toBe(utcSeconds(after(24 * 60)));
    replay(await bench.rows());
  });

  it('is never on the wrong side of a marker that is written in between, whoever comes first', async () => {
    for (let round = 0; round < 6; round++) {
      const [day, cards] = [round * 24 * 60, [await bench.card(), await bench.card(), await bench.card()]];
      await bench.moveTo(after(day - 1));
      const first = await blocker();
      const steps = [() => bench.suspend(cards[0]!), () => bench.suspend(cards[1]!), () => bench.log.cut(after(day))];
      const queued: Promise<unknown>[] = [];
      for (const index of [0, 1, 2].map((n) => (n + round) % 3)) {
        // The publisher asks once the clock lets it.
        if (index === 2) await bench.moveTo(after(day));
        queued.push(steps[index]!());
        await waiting(queued.length);
      }
      await bench.moveTo(after(day + 1));
      await first.rollback();
      await Promise.all(queued);
      await bench.suspend(cards[2]!);
      replay(await bench.rows());
      expect((await bench.log.cut(after(day))).seq).toBeLessThan((await bench.rows()).at(-1)!.seq);
    }
  });
});

describe('the log’s time', () => {
  it('does not go back with the clock', async () => {
    const card = await bench.card();
    await bench.moveTo(after(60));
    await bench.suspend(card);
    await bench.moveTo(after(-60));
    await bench.resume(card);
    const rows = await bench.rows();
    expect(rows[2]!.at >= rows[1]!.at).toBe(true);
    expect(Date.parse(rows[2]!.at) - Date.parse(rows[1]!.at)).toBeLessThan(60_000);
    replay(rows);
  });
});

describe('any commands by several clients, across midnights', () => {
  const CARDS = 6;
  type Act =
    | { do: 'command'; card: number; command: Command }
    | { do: 'extend'; card: number; days: number }
    | { do: 'move'; hours: number }
    | { do: 'cut' }
    | { do: 'look' };
  const command: fc.Arbitrary<Command> = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<Command>({ name: 'accept' }, { name: 'suspend' }, { name: 'resume' }) },
    {
      weight: 2,
      arbitrary: fc.record({
        name: fc.constantFrom('hold' as const, 'release' as const),
        holder: fc.constantFrom('deadline' as const, 'ca' as const, 'court' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        name: fc.constant('revoke' as const),
        reason: fc.constant('keyCompromise' as const),
        compromisedAt: fc.constantFrom(new Date(NIGHT.getTime() - HOUR_MS), undefined),
      }) as fc.Arbitrary<Command>,
    },
  );
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 12, arbitrary: fc.record({ do: fc.constant('command' as const), card: fc.nat(CARDS - 1), command }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), hours: fc.nat(30) }) },
    { weight: 2, arbitrary: fc.constantFrom<Act>({ do: 'cut' }, { do: 'look' }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('extend' as const), card: fc.nat(CARDS - 1), days: fc.nat(3) }),
    },
  );
  const clients = fc.array(fc.array(act, { minLength: 5, maxLength: 25 }), { minLength: 2, maxLength: 6 });

  let now = NIGHT;
  /** One move after the other: the clock of this test does not go back. */
  let moved = Promise.resolve();
  const refused = (error: unknown) => {
    if (!/^card|^request|cutPassed|invalidRequest/.test((error as { code?: string }).code ?? '')) throw error;
  };

  async function perform(one: Act, cards: string[]): Promise<void> {
    if (one.do === 'move') {
      now = new Date(now.getTime() + one.hours * HOUR_MS);
      const to = now;
      return (moved = moved.then(() => bench.moveTo(to)));
    }
    if (one.do === 'look') return void (await Promise.all([bench.log.cutIfDue(), bench.look()]));
    if (one.do === 'cut') {
      const logNow = systemClock().nowMs() + (await readLogClock(bench.db.appUrl, bench.db.schema));
      return void (await bench.log.cut(lastMidnight(new Date(logNow))).catch(refused));
    }
    const card = cards[one.card]!;
    if (one.do === 'extend') {
      const until = new Date(now.getTime() + one.days * 24 * HOUR_MS).toISOString().slice(0, 10);
      return void (await bench.officers
        .extend({ cardNumber: card, by: 'anna' }, { until, ground: 'x' })
        .catch(refused));
    }
    await obey(card, one.command).catch(refused);
  }

  /** Each command through the door it has; a revocation is approved by two officers at the same moment. */
  async function obey(card: string, one: Command): Promise<unknown> {
    const order = { cardNumber: card, by: 'anna' };
    switch (one.name) {
      case 'suspend':
        return bench.suspend(card);
      case 'resume':
        return bench.resume(card);
      case 'accept':
        return bench.accept(card);
      case 'hold':
      case 'release':
        if (one.holder === 'deadline') return bench.order(card, one);
        return bench.officers.order(one.name, order, { holder: one.holder, ground: 'x' });
      case 'revoke': {
        const { reason, compromisedAt } = one;
        const body = { reason, ground: 'x', ...(compromisedAt && { compromisedAt: compromisedAt.toISOString() }) };
        // Both are over before anything is compared, also when one is refused.
        const both = await Promise.allSettled([bench.revoke(card, body, 'ben'), bench.revoke(card, body, 'cleo')]);
        return both.forEach((one) => one.status === 'rejected' && refused(one.reason));
      }
    }
  }

  it('leave a log whose replay is the card table, the lists and every marker', async () => {
    await fc.assert(
      fc.asyncProperty(clients, async (scripts) => {
        const cards: string[] = [];
        for (let n = 0; n < CARDS; n++) {
          const expiresAfterHours = n < 2 ? 40 * n + 20 : 24 * 4000;
          const notAfter = new Date(now.getTime() + expiresAfterHours * HOUR_MS).toISOString();
          cards.push(
            await bench.card(
              issued({
                notAfter: `${notAfter.slice(0, 19)}Z`,
                ...(n % 3 === 2 && { issuerSki: 'CD'.repeat(20) }),
              }),
            ),
          );
        }
        await Promise.all(
          scripts.map(async (script) => {
            for (const one of script) await perform(one, cards);
          }),
        );
        await agree();
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 120_000);

  /** Everything this service says of a card is what its log says. */
  async function agree(): Promise<void> {
    const rows = await bench.rows();
    const { cards, lists } = replay(rows);
    const table = (await bench.source.query(
      `select card_number, accepted_at, holds, revoked_reason, compromised_at, not_good_since from card
       where accepted_at is not null or lifted <> '{}' or not_good_since is not null`,
    )) as {
      card_number: string;
      accepted_at: Date | null;
      holds: object;
      revoked_reason: string | null;
      compromised_at: Date | null;
      not_good_since: Date | null;
    }[];
    expect(table.map((card) => card.card_number).sort()).toEqual([...cards.keys()].sort());
    for (const card of table) {
      const row = cards.get(card.card_number)!;
      expect(row.acceptedAt).toBe(card.accepted_at?.toISOString() ?? null);
      expect(row.holds).toEqual(HOLDERS.filter((holder) => holder in card.holds));
      expect(row.listed).toEqual(
        card.not_good_since && {
          reason: card.revoked_reason ?? 'certificateHold',
          since: `${card.not_good_since.toISOString().slice(0, 19)}Z`,
          ...(card.compromised_at && { invalidityDate: `${card.compromised_at.toISOString().slice(0, 19)}Z` }),
        },
      );
    }
    const [head] = (await bench.source.query('select seq, hash, lists from log_head')) as [
      { seq: string; hash: string; lists: object },
    ];
    expect({ seq: Number(head.seq), hash: head.hash }).toEqual({ seq: rows.length, hash: rows.at(-1)?.hash });
    expect(head.lists).toEqual(lists);
    const outbox = (await bench.source.query('select value from outbox order by id')) as { value: string }[];
    const events = outbox.map(({ value }) => JSON.parse(value) as { type: string; data: unknown });
    const reminders = events.filter(({ type }) => type === 'card.acceptance-due');
    expect(events.filter((event) => !reminders.includes(event)).map(({ data }) => data)).toEqual(rows);
    const receipted = rows.filter((row) => row.kind !== 'cut' && row.kind !== 'accepted');
    expect(await bench.count('receipt')).toBe(receipted.length);
    expect(
      await bench.count(`receipt join status_log using (seq) where holder is distinct from row::json->>'holder'`),
    ).toBe(0);
    expect(await bench.count(`dual_control_request where state = 'approved' and result is null`)).toBe(0);
  }
});
