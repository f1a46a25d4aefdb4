import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Counters of attempts, in the schema of the service that checks. */
export class Attempt1764000000001 implements MigrationInterface {
  name = 'Attempt1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table attempt (
        counter  text        not null,  -- a purpose, a purpose with ':proven', or 'source'
        subject  text        not null,  -- card number or source address
        failures integer     not null check (failures >= 0),
        last_at  timestamptz not null,
        primary key (counter, subject)
      )`);
    await runner.query('create index attempt_last_at on attempt (counter, last_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table attempt');
  }
}

export const ATTEMPT_MIGRATION = Attempt1764000000001;
