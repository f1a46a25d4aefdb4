import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Keys and answers, in the schema of the service that takes the commands. */
export class Idempotency1764000000002 implements MigrationInterface {
  name = 'Idempotency1764000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table idempotency (
        endpoint     text        not null,
        key          text        not null,
        request_hash text        not null,
        answer       json,                  -- json, not jsonb: the first answer's bytes, in its order
        created_at   timestamptz not null,
        primary key (endpoint, key)
      )`);
    await runner.query('create index idempotency_created_at on idempotency (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table idempotency');
  }
}

export const IDEMPOTENCY_MIGRATION = Idempotency1764000000002;
