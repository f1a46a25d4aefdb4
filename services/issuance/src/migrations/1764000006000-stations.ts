import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Secrets of cards by key version and generation, batches, the station's queue, defective cards, corrected dispatches. */
export class Stations1764000006000 implements MigrationInterface {
  name = 'Stations1764000006000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table card_batch (
        batch       text        primary key,  -- the supplier's number of a delivery
        family      text        not null check (family in ('virtual', 'piv', 'pivapplet', 'yubikey')),
        card_count  int         not null check (card_count > 0),
        received_at timestamptz not null,
        received_by text        not null
      );

      alter table card
        drop constraint card_state_check,
        drop constraint card_check,
        add column batch                  text references card_batch,
        add column puk_key_version        int,
        add column puk_generation         int,
        add column management_key_version int,
        add column assigned_at            timestamptz,  -- its place in the station's queue
        add column taken_by               text,         -- the station that has it
        add column taken_until            timestamptz,
        add column defect                 text,
        add column defective_at           timestamptz,
        add column defective_by           text,
        add column made_for               text references application,  -- of a defective one: the application it was meant for
        add constraint card_states check (state in ('blank', 'assigned', 'issued', 'dispatched', 'defective')),
        add constraint card_has_case check ((state in ('blank', 'defective')) = (case_number is null)),
        add constraint card_defective check
          ((state = 'defective') = (defect is not null and defective_at is not null and defective_by is not null)),
        add constraint card_taken check ((taken_by is null) = (taken_until is null));
      update card set assigned_at = coalesce(started_at, added_at) where state = 'assigned';
      update card set puk_key_version = 1, puk_generation = 1, management_key_version = 1
        where state = 'assigned' and started_at is not null;
      create index card_to_be_made on card (assigned_at, card_number) where state = 'assigned';
      create unique index card_of_station on card (taken_by) where state = 'assigned';

      alter table production_step add column tries_left int;  -- before the next try, where the card doesn't tell

      create table dispatch_correction (
        id           bigint      generated always as identity primary key,
        card_number  text        not null references card,
        was          text        not null,
        becomes      text        not null,
        ground       text        not null,
        corrected_by text        not null,
        corrected_at timestamptz not null
      );

      do $$ begin
        execute format('revoke update, delete on card_batch, dispatch_correction from %I',
                       'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table dispatch_correction;
      alter table production_step drop column tries_left;
      drop index card_to_be_made, card_of_station;
      alter table card
        drop constraint card_states, drop constraint card_has_case, drop constraint card_defective,
        drop constraint card_taken,
        drop column batch, drop column puk_key_version, drop column puk_generation, drop column management_key_version,
        drop column assigned_at, drop column taken_by, drop column taken_until, drop column defect,
        drop column defective_at, drop column defective_by, drop column made_for,
        add constraint card_state_check check (state in ('blank', 'assigned', 'issued', 'dispatched')),
        add constraint card_check check ((state = 'blank') = (case_number is null));
      drop table card_batch;`);
  }
}
