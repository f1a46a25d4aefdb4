import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What other services tell of cards that were issued, cases for the office, and notices to subscribers. */
export class Notices1764000005000 implements MigrationInterface {
  name = 'Notices1764000005000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Copies; rows come in any order with the card's own.
      create table known_status (
        card_number text   primary key,
        epoch       uuid   not null,
        seq         bigint not null,
        kind        text   not null check (kind in ('accepted', 'suspended', 'resumed', 'revoked'))
      );
      create table known_user_code (
        card_number text primary key,
        generation  int  not null
      );
      -- The contact's address since activation; before, the application has it.
      create table contact (
        card_number text        primary key,
        personal    text        not null,  -- sealed: {email}
        changed_at  timestamptz not null
      );

      create table office_case (
        id          uuid        primary key,  -- the activation that was refused
        kind        text        not null check (kind in ('wrong-data')),
        card_number text        not null,
        personal    text        not null,  -- sealed: {whatIsWrong}
        opened_at   timestamptz not null,
        closed_at   timestamptz,
        closed_by   text,
        outcome     text,
        check ((closed_at is null) = (closed_by is null) and (closed_at is null) = (outcome is null))
      );
      create index office_case_in_order on office_case (opened_at, id);

      create table notice (
        id              text        primary key,  -- of the event it tells of, or of what was due: one each
        card_number     text        not null,
        content         jsonb       not null,     -- kind and facts, nothing personal and nothing secret
        secret          text,                     -- sealed: a one-time code, until it is sent or out of date
        state           text        not null check (state in ('due', 'sent', 'not-sent', 'no-address', 'refused', 'expired')),
        recorded_at     timestamptz not null,
        expires_at      timestamptz,
        attempts        int         not null default 0,
        next_attempt_at timestamptz not null,
        done_at         timestamptz,
        problem         text,
        check ((state = 'due') = (done_at is null)),
        check (state = 'due' or secret is null)
      );
      create index notice_due on notice (next_attempt_at, id) where state = 'due';
      create index notice_in_order on notice (recorded_at, id);
      create index notice_of_card on notice (card_number, recorded_at, id);

      create index certificate_by_end on certificate (not_after) where slot = '9C' and state = 'written';

      do $$ begin
        execute format('revoke delete on office_case, notice from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index certificate_by_end;
      drop table notice, office_case, contact, known_user_code, known_status;`);
  }
}
