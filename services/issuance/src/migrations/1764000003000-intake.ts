import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Combined applications, the keys of the offices that push them, and applications sent back for correction. */
export class Intake1764000003000 implements MigrationInterface {
  name = 'Intake1764000003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table application rename column rejection_reason to reason;
      alter table application
        drop constraint application_state_check,
        drop constraint application_check,
        drop constraint application_check1,
        alter column verifier drop not null,
        add column way                     text not null default 'A' check (way in ('A', 'B')),
        add column representative_verifier text,  -- of national ID and birth date
        add column office                  text,  -- the registration office, as its tokens name it
        add column office_case             text,  -- its own number
        add column office_request          text,  -- keyed hash of what it pushed first under that number
        add column push                    text,  -- sealed: body and signature as they came
        add constraint application_states check
          (state in ('received', 'returned', 'waiting-for-stock', 'approved', 'rejected')),
        add constraint application_decided check ((state = 'received') = (decided_at is null)),
        add constraint application_reason check ((state in ('returned', 'rejected')) = (reason is not null)),
        add constraint application_way check (case way
          when 'A' then verifier is not null and num_nonnulls(representative_verifier, office, office_case,
                                                              office_request, push) = 0
          else verifier is null and num_nulls(representative_verifier, office, office_case,
                                              office_request, push) = 0 end);
      create unique index application_of_office on application (office, office_case);
      create index application_waiting on application (received_at, case_number) where state = 'waiting-for-stock';
      create index application_by_ubn on application (ubn);

      -- What an application said before it was corrected; personal data as sealed as it was.
      create table application_revision (
        case_number text        not null references application,
        replaced_at timestamptz not null,
        reason      text        not null,  -- why it was sent back
        content     jsonb       not null,
        primary key (case_number, replaced_at)
      );

      create table office_key (
        id            bigint      generated always as identity primary key,
        office        text        not null,
        kid           text        not null,
        jwk           jsonb       not null,
        registered_at timestamptz not null,
        registered_by text        not null,
        retired_at    timestamptz,
        retired_by    text
      );
      create unique index office_key_in_use on office_key (kid) where retired_at is null;

      do $$ begin
        execute format('revoke update, delete on application_revision from %I', 'kaika_' || current_schema() || '_app');
        execute format('revoke delete on office_key from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table office_key, application_revision;
      drop index application_of_office, application_waiting, application_by_ubn;
      alter table application
        drop constraint application_states, drop constraint application_decided, drop constraint application_reason,
        drop constraint application_way,
        drop column way, drop column representative_verifier, drop column office, drop column office_case,
        drop column office_request, drop column push,
        alter column verifier set not null,
        add constraint application_state_check check (state in ('received', 'approved', 'rejected')),
        add constraint application_check check ((state = 'received') = (decided_at is null)),
        add constraint application_check1 check ((state = 'rejected') = (reason is not null));
      alter table application rename column reason to rejection_reason;`);
  }
}
