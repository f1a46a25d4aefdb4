import { Client, escapeIdentifier } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `log_now()`, the only clock in SQL: the time of the call (never of the transaction's start) plus the test offset in
 * `clock_setting`, which the application role can read but not change.
 */
export class LogClock1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table clock_setting (
        singleton boolean primary key default true check (singleton),
        offset_ms bigint not null check (offset_ms <= 0)
      );
      insert into clock_setting (offset_ms) values (0);
      create function log_now() returns timestamptz language sql volatile
        return clock_timestamp() + (select offset_ms from clock_setting) * interval '1 millisecond';
      do $$ begin
        execute format('revoke insert, update, delete on clock_setting from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function log_now(); drop table clock_setting');
  }
}

/** Include it in a service's migrations, before those that use `log_now()`. */
export const CLOCK_MIGRATION = LogClock1700000000000;

/** Moves a schema's clock; a throw-away instance only. @param offsetMs at most 0, as in `Clock.set` */
export async function setLogClock(ownerUrl: string, schema: string, offsetMs: number): Promise<void> {
  await withClient(ownerUrl, (client) =>
    client.query(`update ${escapeIdentifier(schema)}.clock_setting set offset_ms = $1`, [offsetMs]),
  );
}

/** Milliseconds, at most 0. */
export async function readLogClock(url: string, schema: string): Promise<number> {
  const sql = `select offset_ms from ${escapeIdentifier(schema)}.clock_setting`;
  const { rows } = await withClient(url, (client) => client.query<{ offset_ms: string }>(sql));
  return Number(rows[0]!.offset_ms);
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
