import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Applications, cards and certificates. User codes are here as verifiers only, personal data sealed (JWE). */
export class Issuance1764000001000 implements MigrationInterface {
  name = 'Issuance1764000001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table application (
        case_number           text        primary key,
        state                 text        not null check (state in ('received', 'approved', 'rejected')),
        kind                  text        not null,
        name                  text        not null,
        branch                text,
        county                text,
        ubn                   text        not null,
        certificate_email     text,
        rank                  text        not null,
        personal              text        not null,  -- sealed: representative and contact
        national_id_confirmed boolean     not null,  -- an unusual national ID was confirmed by the applicant
        verifier              text        not null,  -- of the user code
        received_at           timestamptz not null,
        decided_at            timestamptz,
        decided_by            text,
        rejection_reason      text,
        check ((state = 'received') = (decided_at is null)),
        check ((state = 'rejected') = (rejection_reason is not null))
      );
      create index application_by_state on application (state, case_number);

      create table card (
        card_number           text        primary key,
        state                 text        not null check (state in ('blank', 'assigned', 'issued', 'dispatched')),
        case_number           text        unique references application,
        added_at              timestamptz not null,
        started_at            timestamptz,           -- personalisation began
        card_uuid             uuid        unique,
        transport_key_version int,
        transport_generation  int,
        issued_at             timestamptz,
        dispatched_at         timestamptz,
        registered_mail       text,
        check ((state = 'blank') = (case_number is null)),
        check ((state in ('issued', 'dispatched')) = (issued_at is not null)),
        check ((state = 'dispatched') = (registered_mail is not null and dispatched_at is not null))
      );
      create index card_in_stock on card (card_number) where state = 'blank';

      -- What was begun on a card, and what is known to be done: a step without its end may or may not have happened.
      create table production_step (
        card_number text        not null references card,
        step        text        not null,
        begun_at    timestamptz not null,
        done_at     timestamptz,
        primary key (card_number, step)
      );

      -- Public keys that were made on the card, as it answered them.
      create table card_key (
        card_number text        not null references card,
        slot        text        not null check (slot in ('9C', '9D', '9E')),
        spki        bytea       not null,
        made_at     timestamptz not null,
        primary key (card_number, slot)
      );

      -- Invariant 1: every serial that was ever meant for a certificate, whoever its issuer.
      create table serial (
        serial text primary key check (serial ~ '^(?!00)[0-7][0-9A-F]{31}$')
      );

      create table certificate (
        serial       text        primary key references serial,
        card_number  text        not null references card,
        slot         text        not null check (slot in ('9C', '9D', '9E')),
        issuer_ski   text        not null,
        state        text        not null check (state in ('intended', 'signed', 'written', 'abandoned')),
        spki         bytea       not null,
        not_before   timestamptz not null,
        not_after    timestamptz not null,
        tbs          bytea       not null,  -- what is to be signed; here before any signature exists
        der          bytea,
        intended_at  timestamptz not null,
        signed_at    timestamptz,
        abandoned_at timestamptz,
        check (state <> 'intended' or der is null),
        check (state not in ('signed', 'written') or der is not null)
      );
      -- A slot has one certificate; another one only when the first was given up on the record.
      create unique index certificate_of_slot on certificate (card_number, slot) where state <> 'abandoned';

      do $$ begin
        execute format('revoke update, delete on serial from %I', 'kaika_' || current_schema() || '_app');
        execute format('revoke delete on certificate, card, application from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table certificate, serial, card_key, production_step, card, application');
  }
}
