import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { sleep } from '#libs/clock';
import {
  CLOCK_MIGRATION,
  isSurroundingsError,
  migrate,
  provision,
  readLogClock,
  setLogClock,
  withTestDatabase,
} from './index.js';

class Notes1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table note (id bigint generated always as identity primary key, text text not null)`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table note');
  }
}

const database = withTestDatabase();
const passwords = { owner: 'o:/@p%', app: `a'"\\ß` };
const migrations = [CLOCK_MIGRATION, Notes1700000000010];

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('a service’s schema', () => {
  it('is provisioned and migrated by several processes at once, twice', async () => {
    for (let round = 0; round < 2; round++) {
      const urls = await Promise.all([1, 2, 3].map(() => provision(database.url, 'card-desk', passwords)));
      await Promise.all(urls.map(({ ownerUrl }) => migrate({ ownerUrl, schema: 'card_desk', migrations })));
    }
    const { ownerUrl } = await provision(database.url, 'card-desk', passwords);
    expect(await query(ownerUrl, 'select name from migration order by id')).toHaveLength(2);
  });

  it('gives the application role rows and nothing else', async () => {
    const { appUrl } = await provision(database.url, 'card-desk', passwords);
    await query(appUrl, `insert into note (text) values ('hello')`);
    expect(await query(appUrl, 'select text from note')).toEqual([{ text: 'hello' }]);
    for (const sql of ['create table x ()', 'drop table note', 'create table public.x ()', 'truncate note']) {
      await expect(query(appUrl, sql)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('cannot be read by another service', async () => {
    const other = await provision(database.url, 'other', passwords);
    for (const url of [other.ownerUrl, other.appUrl]) {
      await expect(query(url, 'select * from card_desk.note')).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('log_now()', () => {
  it('runs on inside a transaction, follows the offset, and is not the application’s to move', async () => {
    const { ownerUrl, appUrl } = await provision(database.url, 'card-desk', passwords);
    const [still] = await query(appUrl, "select log_now() - clock_timestamp() < interval '1 s' as near");
    expect(still).toEqual({ near: true });
    await setLogClock(ownerUrl, 'card_desk', -3_600_000);
    expect(await readLogClock(appUrl, 'card_desk')).toBe(-3_600_000);
    const [moved] = await query(appUrl, `select round(extract(epoch from clock_timestamp() - log_now())) as seconds`);
    expect(Number(moved!['seconds'])).toBe(3600);
    await expect(query(appUrl, 'update clock_setting set offset_ms = 0')).rejects.toMatchObject({ code: '42501' });
    await expect(setLogClock(ownerUrl, 'card_desk', 1)).rejects.toMatchObject({ code: '23514' });
  });
});

describe('the data source', () => {
  it('survives a restart of the server', async () => {
    const { source } = await database.service('card-desk', migrations);
    expect(await source.query('select count(*)::int as n from note')).toHaveLength(1);
    await database.server.stop();
    await expect(source.query('select 1')).rejects.toThrow();
    await database.restart();
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('calls a connection that breaks between two statements of a transaction the surroundings', async () => {
    const { source } = await database.service('card-desk', migrations);
    const broken = source.transaction(async (tx) => {
      const [{ pid }] = await tx.query<[{ pid: number }]>('select pg_backend_pid() as pid');
      await query(database.url, `select pg_terminate_backend(${pid})`);
      while (!tx.queryRunner!.isReleased) await sleep(5);
      await tx.query('select 1');
    });
    const error: unknown = await broken.catch((caught: unknown) => caught);
    expect(String(error)).toContain('already released');
    expect(isSurroundingsError(error)).toBe(true);
  });

  it('sorts Chinese names and upper-cases as the built-in C.UTF-8 locale does', async () => {
    expect(await query(database.url, `select upper('äé') as u, '臺北' < '高雄' as o`)).toEqual([{ u: 'ÄÉ', o: true }]);
  });
});
