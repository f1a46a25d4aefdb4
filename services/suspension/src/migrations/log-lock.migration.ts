import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The log's lock and then its time, in one call. They must be two statements: PostgreSQL computes a statement's values before
 * it waits for the lock, so a time taken in the locking one could be of before the wait, and of before a midnight that has passed.
 * In a volatile function each statement sees what was committed until it begins.
 */
export class LogLock1764000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function lock_log()
        returns table (epoch uuid, seq bigint, hash text, last_cut timestamptz, lists jsonb, at timestamptz)
        language plpgsql volatile as $$
      declare
        head log_head%rowtype;
      begin
        select * into strict head from log_head for update;
        return query select head.epoch, head.seq, head.hash, head.last_cut, head.lists,
          date_trunc('milliseconds', greatest(log_now(), head.at, head.last_cut));
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function lock_log()');
  }
}
