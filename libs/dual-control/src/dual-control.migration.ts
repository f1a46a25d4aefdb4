import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Requests and decisions, in the schema of the service whose acts they are about. */
export class DualControl1764000000003 implements MigrationInterface {
  name = 'DualControl1764000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table dual_control_request (
        position     bigint generated always as identity unique, -- order of pages
        id           uuid        primary key,
        kind         text        not null,  -- of act
        about        text        not null,  -- what it is done to, e.g. a card number
        parameters   json        not null,  -- json, not jsonb: what was asked for, to the letter
        requested_by text        not null,
        requested_at timestamptz not null,
        expires_at   timestamptz not null,
        state        text        not null default 'open' check (state in ('open', 'approved', 'rejected', 'expired')),
        decided_by   text,
        decided_at   timestamptz,
        ground       text,                  -- of a rejection
        result       json,                  -- of the act
        check (expires_at > requested_at),
        check (decided_by <> requested_by), -- the second person, whatever the code does
        check ((decided_by is null) = (state in ('open', 'expired'))),
        check ((decided_by is null) = (decided_at is null)),
        check ((ground is not null) = (state = 'rejected'))
      )`);
    await runner.query(`
      create unique index dual_control_request_open
        on dual_control_request (kind, about, requested_by, md5(parameters::text)) where state = 'open'`);
    await runner.query('create index dual_control_request_kind on dual_control_request (kind, position)');
    await runner.query(`
      do $$ begin
        execute format('revoke delete on dual_control_request from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table dual_control_request');
  }
}

export const DUAL_CONTROL_MIGRATION = DualControl1764000000003;
