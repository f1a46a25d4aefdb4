import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Forgotten PINs, locked cards, unlocking at the centre. Expand only: the release before it runs on this schema too. */
export class Pin1764000100003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table card
        -- Which secrets the card holds (CARDS.md §2); the secrets themselves are derived and stored nowhere.
        add column key_version integer not null default 1 check (key_version > 0),
        add column transport_generation integer not null default 1 check (transport_generation > 0),
        add column puk_generation integer not null default 1 check (puk_generation > 0),
        -- A job to rotate the PUK was sent and nobody has said what came of it: the card holds one of two.
        add column puk_rotating_to integer check (puk_rotating_to = puk_generation + 1),
        -- Jobs with a PUK since the last one whose end was seen; counted before each is sent.
        add column puk_jobs integer not null default 0 check (puk_jobs >= 0),
        -- jobs_released as it was when the present transport PIN was set.
        add column jobs_before_unlock integer not null default 0,
        -- Its agent found it blocked; until a PIN is set, or it is unlocked.
        add column locked_at timestamptz,
        -- It came back from the centre with a transport PIN; until its holder sets a PIN.
        add column unlocked_at timestamptz,
        -- The session that set the PIN last, after the one that activated the card.
        add column pin_set_by uuid,
        add check ((puk_rotating_to is null) = (puk_jobs = 0));

      create table pin_reset (
        id uuid primary key,
        card_number text not null,
        nonce bytea not null,
        expires_at timestamptz not null,
        nonce_used_at timestamptz,
        -- Of the one-time code; gone once a PIN was set with it, or a newer one took its place.
        code_verifier text,
        code_requested_at timestamptz,
        code_expires_at timestamptz,
        tries integer not null default 0,
        released_at timestamptz,
        proof_signature bytea,
        completion_nonce bytea,
        completed_at timestamptz,
        check ((code_requested_at is null) = (code_expires_at is null)),
        check (code_verifier is null or code_requested_at is not null),
        check (code_requested_at is null or released_at is null), -- a session does one or the other
        check (released_at is null or
          (nonce_used_at is not null and proof_signature is not null and completion_nonce is not null)),
        check (completed_at is null or released_at is not null)
      );
      create index pin_reset_card on pin_reset (card_number, code_requested_at);
      create index pin_reset_expires on pin_reset (expires_at);

      create table unlock_session (
        id uuid primary key,
        card_number text not null,
        request uuid not null, -- of two persons
        started_by text not null,
        nonce bytea not null,
        expires_at timestamptz not null,
        nonce_used_at timestamptz,
        released_at timestamptz,
        proof_signature bytea,
        completion_nonce bytea,
        completed_at timestamptz,
        completed_by text,
        check (released_at is null or
          (nonce_used_at is not null and proof_signature is not null and completion_nonce is not null)),
        check (completed_at is null or released_at is not null),
        check ((completed_at is null) = (completed_by is null))
      );
      create index unlock_session_request on unlock_session (request);
      create index unlock_session_expires on unlock_session (expires_at);

      create table lock_report (
        id uuid primary key,
        card_number text not null,
        nonce bytea not null,
        expires_at timestamptz not null,
        nonce_used_at timestamptz
      );
      create index lock_report_expires on lock_report (expires_at);

      alter table evidence drop constraint evidence_act_check,
        add constraint evidence_act_check check (act in ('accept', 'complete', 'refuse', 'reset-user-code',
          'resume', 'reset-pin', 'complete-reset', 'report-lock', 'unlock', 'complete-unlock')),
        -- As the agent said before the proof; below the card's maximum, somebody had typed a wrong PIN.
        add column pin_tries integer check (pin_tries between 0 and 15),
        -- At an unlock 9E signs twice.
        drop constraint evidence_activation_slot_key,
        add constraint evidence_session_act_key unique (session, act);`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table lock_report, unlock_session, pin_reset;
      alter table evidence drop column pin_tries;
      alter table card drop column key_version, drop column transport_generation, drop column puk_generation,
        drop column puk_rotating_to, drop column puk_jobs, drop column jobs_before_unlock, drop column locked_at,
        drop column unlocked_at, drop column pin_set_by;`);
  }
}
