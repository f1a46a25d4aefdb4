import type { MigrationInterface, QueryRunner } from 'typeorm';

export class StatusFeed1700000000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- A copy of the owner's status log, kept whole: after a restore the owner compares with it.
      create table feed_row (
        seq bigint primary key check (seq > 0),
        hash text not null,
        -- Text, not jsonb: the hash covers every field as it came.
        content text not null,
        landed_at timestamptz not null default clock_timestamp()
      );

      -- Everything up to seq is applied, and nothing above it.
      create table feed_state (
        singleton boolean primary key default true check (singleton),
        epoch uuid,
        seq bigint not null default 0,
        hash text not null,
        at timestamptz
      );

      -- Evidence: rows that came with other contents than the one in the feed, or that don't fit the chain.
      create table feed_conflict (
        seq bigint not null,
        hash text not null,
        content text not null,
        reason text not null,
        noticed_at timestamptz not null default clock_timestamp(),
        primary key (seq, hash, reason)
      );`);
    await runner.query('insert into feed_state (hash) values ($1)', ['0'.repeat(64)]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table feed_row, feed_state, feed_conflict');
  }
}

export const STATUS_FEED_MIGRATIONS = [StatusFeed1700000000200];
