import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { type TestService, withTestDatabase } from '#libs/database';
import type { CaError } from '#libs/errors';
import { FIRST_PREV_HASH, type StatusRow, statusRowHash } from '#libs/events';
import { sleep } from '#libs/clock';
import { STATUS_FEED_MIGRATIONS, StatusFeed, type StatusFeedOptions } from './index.js';

class Applied1700000000901 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table applied (id bigint generated always as identity, seq bigint, kind text)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table applied');
  }
}

const EPOCH = randomUUID();

function rowAfter(before: StatusRow | undefined, change: Partial<StatusRow> = {}): StatusRow {
  const seq = (before?.seq ?? 0) + 1;
  const row = {
    epoch: before?.epoch ?? EPOCH,
    seq,
    prevHash: before?.hash ?? FIRST_PREV_HASH,
    hash: '',
    at: new Date(1_700_000_000_000 + seq).toISOString(),
    kind: 'cut',
    cut: '2026-11-21T16:00:00Z',
    lists: [],
    ...change,
  } as StatusRow;
  return { ...row, hash: statusRowHash(row) };
}

/** The owner's log. */
function chain(length: number, before?: StatusRow): StatusRow[] {
  const rows: StatusRow[] = [];
  for (let i = 0; i < length; i++) rows.push(rowAfter(rows.at(-1) ?? before));
  return rows;
}

const database = withTestDatabase();
let service: TestService;
let owner: StatusRow[];
let fetches: number[];
let alarms: CaError[];
let running: StatusFeed[];
let n = 0;

beforeEach(async () => {
  service = await database.service(`feed_${++n}`, [...STATUS_FEED_MIGRATIONS, Applied1700000000901]);
  owner = chain(12);
  [fetches, alarms, running] = [[], [], []];
});
afterEach(async () => {
  await Promise.all(running.map((feed) => feed.beforeApplicationShutdown()));
});

function feed(options: Partial<StatusFeedOptions> = {}): StatusFeed {
  return new StatusFeed({
    source: service.source,
    apply: async (rows, tx) => {
      for (const { seq, kind } of rows) await tx.query('insert into applied (seq, kind) values ($1, $2)', [seq, kind]);
    },
    fetchRows: async (after, limit) => {
      fetches.push(after);
      return owner.filter((row) => row.seq > after).slice(0, limit);
    },
    alarm: (error) => alarms.push(error),
    probeMs: 0,
    pollMs: 10,
    ...options,
  });
}

function start(options: Partial<StatusFeedOptions> = {}): StatusFeed {
  const it = feed(options);
  running.push(it);
  it.onApplicationBootstrap();
  return it;
}

const applied = async (): Promise<number[]> =>
  (await service.source.query<{ seq: string }[]>('select seq from applied order by id')).map((r) => Number(r.seq));
const upTo = (last: number) => [...Array(last).keys()].map((i) => i + 1);
const landAll = async (it: StatusFeed, rows: StatusRow[]) => {
  for (const data of rows) await it.land({ data });
};

async function eventually(check: () => Promise<void> | void): Promise<void> {
  for (const started = performance.now(); ; await sleep(10)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() - started > 15_000) throw error;
    }
  }
}

describe('rows that are applied', () => {
  it('are read between two of them, and not beyond the last', async () => {
    const one = feed();
    owner = chain(450); // more than one page
    await one.catchUp(430);
    for (const row of owner) await one.land({ data: row });
    const seqs = async (after: number, below: number) => {
      const found: number[] = [];
      for await (const { seq } of one.rows(after, below)) found.push(seq);
      return found;
    };
    expect(await seqs(3, 7)).toEqual([4, 5, 6]);
    expect(await seqs(3, 4)).toEqual([]);
    expect(await seqs(9, 2)).toEqual([]);
    const { seq } = await one.watermark();
    expect(await seqs(0, 1_000)).toEqual(owner.slice(0, seq).map((row) => row.seq));
    expect(await one.backlog()).toBe(450 - seq);
  });
});

describe('the status feed', () => {
  it('applies each row once and in order, whatever the order, doubles and turns of the applier', async () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 0, max: 11 }), fc.constant('apply' as const)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, fc.shuffledSubarray(upTo(12), { minLength: 12 }), async (noise, rest) => {
        await reset();
        const it = feed();
        for (const step of [...noise, ...rest.map((seq) => seq - 1)]) {
          if (step === 'apply') await it.applyReady();
          else await it.land({ data: owner[step]! });
          const done = await applied();
          expect(done).toEqual(upTo(done.length));
        }
        expect((await it.applyReady()).seq).toBe(12);
        expect(await applied()).toEqual(upTo(12));
        expect([fetches, alarms]).toEqual([[], []]);
      }),
      { numRuns: 25 },
    );
  });

  /** The application role may not truncate. */
  async function reset(): Promise<void> {
    await service.source.query('delete from applied');
    await service.source.query('delete from feed_row');
    await service.source.query('update feed_state set epoch = null, seq = 0, hash = $1', [FIRST_PREV_HASH]);
  }

  it('stops below a hole, and fetches it when it has waited long enough', async () => {
    await landAll(start({ holeMs: 3_600_000 }), owner.toSpliced(4, 2));
    await eventually(async () => expect(await applied()).toEqual(upTo(4)));
    expect(fetches).toEqual([]);
    const impatient = start({ holeMs: 0 });
    await eventually(async () => expect(await applied()).toEqual(upTo(12)));
    expect(fetches).toContain(4);
    expect((await impatient.watermark()).hash).toBe(owner[11]!.hash);
    expect(alarms).toEqual([]);
  });

  it('heals a hole once the owner, unreachable at first, can be reached', async () => {
    let tries = 0;
    start({
      holeMs: 0,
      fetchRows: async (after) => {
        if (++tries < 4) throw new Error('connect ECONNREFUSED');
        return owner.filter((row) => row.seq > after);
      },
    });
    await landAll(running[0]!, owner.slice(1));
    await eventually(async () => expect(await applied()).toEqual(upTo(12)));
  });

  it('asks the owner for the tail that the bus never brought', async () => {
    start({ probeMs: 20 });
    await eventually(async () => expect(await applied()).toEqual(upTo(12)));
    owner.push(...chain(2, owner.at(-1)));
    await eventually(async () => expect(await applied()).toEqual(upTo(14)));
  });

  it('catches up to a marker at once, page by page, and says when the owner has no such row', async () => {
    owner = chain(450);
    expect((await feed().catchUp(450)).seq).toBe(450);
    expect(fetches).toEqual([0, 200, 400]);
    await expect(feed().catchUp(451)).rejects.toMatchObject({ code: 'conflict' });
    const down = feed({ fetchRows: () => Promise.reject(new Error('ECONNREFUSED')) });
    await expect(down.catchUp(451)).rejects.toThrow('ECONNREFUSED');
    expect(await applied()).toEqual(upTo(450));
  });

  it('applies a row that comes alone at once, and of many in a row far fewer times than there are rows', async () => {
    owner = chain(60);
    const turns: number[] = [];
    const it = start({
      pollMs: 3_600_000,
      apply: async (rows, tx) => {
        turns.push(rows.length);
        await tx.query('insert into applied (seq) select unnest($1::bigint[])', [rows.map(({ seq }) => seq)]);
      },
    });
    await it.land({ data: owner[0]! });
    await eventually(async () => expect(await applied()).toEqual([1]));
    await Promise.all(owner.slice(1).map((data) => it.land({ data })));
    await eventually(async () => expect(await applied()).toEqual(upTo(60)));
    expect(turns[0]).toBe(1);
    expect(turns.length).toBeLessThan(30);
  });

  it('applies each row once when two replicas do it at the same time', async () => {
    const other = await database.open(service.appUrl, service.schema);
    const [a, b] = [feed(), feed({ source: other })];
    await Promise.all([landAll(a, owner), landAll(b, [...owner].reverse())]);
    await Promise.all([a, b, a, b].map((it) => it.applyReady()));
    expect(await applied()).toEqual(upTo(12));
    expect(alarms).toEqual([]);
  });

  it('neither repeats nor skips a row when it is killed between effect and watermark', async () => {
    await landAll(feed(), owner);
    let dying = true;
    const apply = async (rows: readonly StatusRow[], tx: EntityManager) => {
      for (const { seq } of rows) {
        await tx.query('insert into applied (seq) values ($1)', [seq]);
        if (seq === 6 && dying) await tx.query('select pg_terminate_backend(pg_backend_pid())');
      }
    };
    for (let i = 0; i < 2; i++) {
      await expect(feed({ apply }).applyReady()).rejects.toThrow();
    }
    expect(await applied()).toEqual(upTo(5));
    dying = false;
    expect((await feed({ apply }).applyReady()).seq).toBe(12);
    expect(await applied()).toEqual(upTo(12));
  });
});

describe('a row that is not what it should be', () => {
  it('with a taken seq raises an alarm and is kept, and the first one stands', async () => {
    const it = feed();
    await landAll(it, owner.slice(0, 3));
    const other = rowAfter(owner[1], { cut: '2026-11-22T16:00:00Z' } as Partial<StatusRow>);
    await it.land({ data: other });
    await it.applyReady();
    await it.land({ data: other }); // also after the row was applied
    expect(alarms.map((a) => a.code)).toEqual(['statusFeedAltered']);
    const evidence = await service.source.query<{ content: string }[]>('select content from feed_conflict');
    expect(evidence.map((e) => JSON.parse(e.content))).toEqual([other]);
    expect((await it.watermark()).hash).toBe(owner[2]!.hash);
  });

  it('with a hash that is not its own does not land, and the owner’s is fetched in its place', async () => {
    const it = start({ holeMs: 0 });
    await landAll(it, [owner[0]!, { ...owner[1]!, cut: '2027-01-01T16:00:00Z' } as StatusRow, owner[2]!]);
    await eventually(async () => expect(await applied()).toEqual(upTo(12)));
    expect(alarms[0]).toMatchObject({ code: 'statusFeedAltered', message: 'row 2 is forged' });
  });

  it('that landed first and does not fit the chain is replaced by the owner’s', async () => {
    const it = feed();
    const wrong = rowAfter(owner[1], { prevHash: 'ab'.repeat(32) });
    await landAll(it, [...owner.slice(0, 2), wrong, ...owner.slice(2)]);
    expect((await it.applyReady()).seq).toBe(12);
    expect(alarms.map((a) => a.message)).toEqual(['row 3 is altered', "row 3 was replaced by the owner's"]);
  });

  it('on which the owner insists leaves the feed standing, with one alarm', async () => {
    const wrong = rowAfter(owner[4], { prevHash: 'ab'.repeat(32) });
    owner = [...owner.slice(0, 5), wrong, ...chain(2, wrong)];
    const it = start();
    await landAll(it, owner);
    await expect(feed().applyReady()).rejects.toMatchObject({ code: 'statusFeedBroken' });
    await eventually(() => expect(alarms).toHaveLength(1));
    expect(alarms[0]).toMatchObject({ code: 'statusFeedBroken', params: { seq: 6 } });
    expect(await applied()).toEqual(upTo(5));
  });

  it('is said to be over once the feed goes on, and that all is well once after the start', async () => {
    let over = 0;
    const right = owner;
    owner = [...owner.slice(0, 5), rowAfter(owner[4], { prevHash: 'ab'.repeat(32) })];
    const it = start({ over: () => over++ });
    await eventually(() => expect(over).toBe(1));
    await landAll(it, owner);
    await eventually(() => expect(alarms).toMatchObject([{ code: 'statusFeedBroken' }]));
    expect(over).toBe(1);
    owner = right;
    await eventually(async () => expect(await applied()).toEqual(upTo(6)));
    await eventually(() => expect(over).toBe(2));
  });
});

describe('a new epoch', () => {
  it('is followed where it continues the chain', async () => {
    const next = rowAfter(owner[11], { epoch: randomUUID() });
    owner = [...owner, next, ...chain(3, next)];
    await landAll(feed(), owner);
    expect(await feed().applyReady()).toMatchObject({ seq: 16, epoch: next.epoch });
  });

  it('that forgot rows we have applied stops the feed', async () => {
    await landAll(feed(), owner);
    await feed().applyReady();
    const fork = rowAfter(owner[7], { epoch: randomUUID() });
    owner = [...owner.slice(0, 8), fork, ...chain(6, fork)];
    await landAll(feed(), owner.slice(8));
    await expect(feed().applyReady()).rejects.toMatchObject({ code: 'statusFeedBroken' });
    expect(await applied()).toEqual(upTo(12));
  });

  it('never gives way to an earlier one', async () => {
    const next = rowAfter(owner[11], { epoch: randomUUID() });
    owner = [...owner, next, rowAfter(next, { epoch: EPOCH })];
    await landAll(feed(), owner);
    await expect(feed().applyReady()).rejects.toMatchObject({ code: 'statusFeedBroken' });
    expect((await feed().watermark()).seq).toBe(13);
  });
});
