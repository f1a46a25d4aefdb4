import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { type Write, withTestDatabase, writeAtOnce } from './index.js';

class Tables1700000000911 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table first (a text primary key, b int); create table second (c text, d timestamptz)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table first, second');
  }
}

const database = withTestDatabase();
let source: DataSource;
beforeAll(async () => void ({ source } = await database.service('suspension', [Tables1700000000911])));

const first = (a: string, b: number): Write => ({ sql: 'insert into first values ($1, $2)', values: [a, b] });
const second = (c: string): Write => ({ sql: 'insert into second values ($1, $2)', values: [c, new Date(0)] });
const rows = async (table: string) => (await source.query<object[]>(`select * from ${table} order by 1`)).length;

describe('writes at once', () => {
  it('are one statement, whose values each keep to their write, also beyond the ninth', async () => {
    await source.transaction((tx) =>
      writeAtOnce(
        tx,
        ['a', 'b', 'c', 'd', 'e', 'f'].map((a, n) => first(a, n)),
      ),
    );
    expect(await source.query('select a, b from first order by a')).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((a, b) => ({ a, b })),
    );
    await source.transaction((tx) => writeAtOnce(tx, []));
  });

  it('are written all or not at all', async () => {
    const before = [await rows('first'), await rows('second')];
    const failing = source.transaction((tx) => writeAtOnce(tx, [second('x'), first('a', 9)]));
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect([await rows('first'), await rows('second')]).toEqual(before);
  });

  it('are prepared once a connection, however often they come', async () => {
    const known = `select name from pg_prepared_statements where statement like '%into second%' and statement not like '%into first%'`;
    const [one, other] = [source.createQueryRunner(), source.createQueryRunner()];
    for (const runner of [one, other]) {
      await runner.startTransaction();
      for (let n = 0; n < 8; n++) await writeAtOnce(runner.manager, [second(String(n))]);
      expect(await runner.query(known)).toHaveLength(1);
    }
    for (const runner of [one, other]) {
      await runner.commitTransaction();
      await runner.release();
    }
  });
});
