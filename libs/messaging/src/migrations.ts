import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DUAL_CONTROL_MIGRATION } from '#libs/dual-control';

/** In each service's own schema: what it sends, what it has received, what it could not digest. */
export class Messaging1700000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The identity must not cache: a cached id would be lower than one of the same card drawn earlier elsewhere.
      create table outbox (
        id bigint generated always as identity (cache 1) primary key,
        event_id text not null,
        topic text not null,
        key text not null,
        value text not null,
        created_at timestamptz not null default clock_timestamp(),
        dispatched_at timestamptz
      );
      create index outbox_waiting on outbox (id) where dispatched_at is null;

      create table inbox (
        event_id text primary key,
        received_at timestamptz not null default clock_timestamp()
      );
      create index inbox_age on inbox using brin (received_at);

      create table delivery_attempt (
        topic text not null,
        record_id text not null,
        attempts int not null,
        primary key (topic, record_id)
      );

      create table dead_letter (
        id bigint generated always as identity primary key,
        topic text not null,
        key text not null,
        record_id text not null,
        type text,
        value text not null,
        state text not null check (state in ('dead', 'waiting', 'replayed', 'discarded')),
        reason text,
        attempts int not null default 0,
        created_at timestamptz not null default clock_timestamp(),
        resolved_at timestamptz,
        resolved_by text,
        unique (topic, record_id)
      );
      create index dead_letter_open on dead_letter (topic, key, id) where state in ('dead', 'waiting');

      -- While a key is here, its later events wait in dead_letter.
      create table parked_key (
        topic text not null,
        key text not null,
        since timestamptz not null default clock_timestamp(),
        primary key (topic, key)
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table outbox, inbox, delivery_attempt, dead_letter, parked_key');
  }
}

/** In the schema of service `bus`: the embedded log. */
export class EmbeddedLog1700000000101 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table topic_partition (
        topic text not null,
        partition int not null,
        -- Taken under this row's lock, which is held to the commit: offsets have no gaps, and a reader that sees one
        -- offset sees all below it.
        next_offset bigint not null default 0,
        primary key (topic, partition)
      );

      create table record (
        topic text not null,
        partition int not null,
        "offset" bigint not null,
        key text not null,
        id text not null,
        value text not null,
        stored_at timestamptz not null default clock_timestamp(),
        primary key (topic, partition, "offset")
      );

      create table group_offset (
        group_id text not null,
        topic text not null,
        partition int not null,
        next_offset bigint not null,
        primary key (group_id, topic, partition)
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table topic_partition, record, group_offset');
  }
}

/** Where the relay's last record is in each partition of a bus that can lose it (`BusMemory`). */
export class BusMark1700000000102 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table bus_mark (
        topic text not null,
        partition int not null,
        last_offset bigint not null,
        -- By the broker's clock, milliseconds since 1970; -1: it did not say.
        stored_at_ms bigint not null,
        primary key (topic, partition)
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table bus_mark');
  }
}

/** With the requests by which dead letters are discarded. */
export const MESSAGING_MIGRATIONS = [Messaging1700000000100, DUAL_CONTROL_MIGRATION, BusMark1700000000102];

/** `provision(adminUrl, 'bus', …)`, then `migrate` with these; every service gets the bus's application URL. */
export const BUS_MIGRATIONS = [EmbeddedLog1700000000101];
