import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { type TestService, withTestDatabase } from '#libs/database';
import { FIRST_PREV_HASH, type StatusRow, statusRowHash } from '#libs/events';
import { type Replay, STATUS_FEED_MIGRATIONS, StatusFeed } from './index.js';

class Applied1700000000902 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table applied (seq bigint); create table replayed (seq bigint)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table applied, replayed');
  }
}

function rowAfter(before: StatusRow | undefined, change: Partial<StatusRow> = {}): StatusRow {
  const row = {
    ...{ epoch: before?.epoch ?? randomUUID(), seq: (before?.seq ?? 0) + 1, prevHash: before?.hash ?? FIRST_PREV_HASH },
    ...{ hash: '', at: '2026-11-21T02:00:00Z', kind: 'cut', cut: '2026-11-21T16:00:00Z', lists: [] },
    ...change,
  } as StatusRow;
  return { ...row, hash: statusRowHash(row) };
}

const database = withTestDatabase();
let service: TestService;
let owner: StatusRow[];
let feed: StatusFeed;
/** Done when the owner has been asked so often. */
let interrupt: (asked: number) => Promise<void>;
let n = 0;

const grow = (rows: number, change?: Partial<StatusRow>) => {
  for (let i = 0; i < rows; i++) owner.push(rowAfter(owner.at(-1), change));
};

beforeEach(async () => {
  service = await database.service(`replay_${++n}`, [...STATUS_FEED_MIGRATIONS, Applied1700000000902]);
  owner = [];
  interrupt = async () => {};
  grow(2_300); // three pages
  let asked = 0;
  feed = new StatusFeed({
    source: service.source,
    apply: (rows, tx) => tx.query('insert into applied select unnest($1::bigint[])', [rows.map(({ seq }) => seq)]),
    fetchRows: async (after, limit) => {
      const rows = owner.slice(after, after + limit);
      await interrupt(++asked);
      return rows;
    },
    alarm: () => {},
  });
});

/** A service that keeps the seqs of what was applied. */
const replay: Replay = {
  take: (rows, tx) => tx.query('insert into replayed select * from unnest($1::bigint[])', [rows.map(({ seq }) => seq)]),
  finish: (tx) => tx.query('with old as (delete from applied) insert into applied select * from replayed'),
};

const applied = async (): Promise<number[]> =>
  (await service.source.query<{ seq: string }[]>('select seq from applied order by seq')).map((row) => Number(row.seq));
const upTo = (last: number) => [...Array(last).keys()].map((i) => i + 1);
const copy = async (): Promise<string[]> =>
  (await service.source.query<{ hash: string }[]>('select hash from feed_row order by seq')).map((row) => row.hash);

describe('a replay', () => {
  it('makes anew what was applied wrongly, and moves the watermark to the owner’s end', async () => {
    await feed.catchUp(2_000);
    const damage = `delete from applied where seq in (7, 1500); insert into applied values (3), (9999)`;
    await service.source.query(damage);
    expect((await feed.replay(replay)).seq).toBe(2_300);
    expect(await applied()).toEqual(upTo(2_300));
    expect(await feed.watermark()).toMatchObject({ seq: 2_300, hash: owner.at(-1)!.hash, epoch: owner[0]!.epoch });
    grow(3);
    await feed.catchUp(2_303);
    expect(await applied()).toEqual(upTo(2_303));
  });

  it('puts the copy of the log right, and keeps what was wrong as evidence', async () => {
    await feed.catchUp(2_300);
    const wrong = rowAfter(owner[4], { at: '2027-01-01T00:00:00Z' });
    const change = 'update feed_row set hash = $2, content = $3 where seq = $1';
    await service.source.query(change, [6, wrong.hash, JSON.stringify(wrong)]);
    await service.source.query('delete from feed_row where seq = 9');
    await feed.replay(replay);
    expect(await copy()).toEqual(owner.map(({ hash }) => hash));
    expect(await service.source.query('select hash from feed_conflict')).toEqual([{ hash: wrong.hash }]);
  });

  it('takes along what is applied while it runs, also after the owner had no more', async () => {
    interrupt = async (asked) => {
      if (asked > 6) return;
      grow(1);
      await feed.land({ data: owner.at(-1)! });
      const missing = owner.slice((await feed.watermark()).seq);
      for (const data of missing) await feed.land({ data });
      await feed.applyReady();
    };
    await feed.replay(replay);
    expect(await applied()).toEqual(upTo(owner.length));
    expect((await feed.watermark()).seq).toBe(owner.length);
  }, 60_000);

  it('follows the owner into another epoch, but not back', async () => {
    const [first, second] = [owner[0]!.epoch, randomUUID()];
    grow(2, { epoch: second });
    expect(await feed.replay(replay)).toMatchObject({ seq: 2_302, epoch: second });
    grow(1, { epoch: first });
    await expect(feed.replay(replay)).rejects.toMatchObject({ code: 'statusFeedBroken' });
  });

  it.each([
    ['a row is altered', () => (owner[1_200] = { ...owner[1_200]!, at: '2027-01-01T00:00:00Z' })],
    ['a row is missing', () => owner.splice(1_200, 1)],
    ['a row was exchanged, with a hash of its own', () => (owner[1_200] = rowAfter(owner[1_199], { at: '2027-01-01T00:00:00Z' }))], // prettier-ignore
    ['the owner has lost its last rows', () => owner.splice(2_290)],
    ['the owner has lost all', () => owner.splice(0)],
  ])('changes nothing of what is read when %s', async (_what, damage) => {
    await feed.catchUp(2_300);
    const before = await feed.watermark();
    damage();
    await expect(feed.replay(replay)).rejects.toMatchObject({
      code: expect.stringMatching(/statusFeedBroken|conflict/),
    });
    expect(await feed.watermark()).toEqual(before);
    expect(await applied()).toEqual(upTo(2_300));
  });
});
