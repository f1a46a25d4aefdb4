import type { MigrationInterface, QueryRunner } from 'typeorm';
import { FIRST_PREV_HASH } from '#libs/events';

export class Suspension1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- One row a card: both its certificates always have the same status.
      create table card (
        card_number text primary key,
        signature_serial text not null unique,
        encryption_serial text not null unique,
        issuer_ski text not null,
        not_after timestamptz not null,
        partition int,
        accepted_at timestamptz,
        activation uuid,
        holds jsonb not null default '{}',        -- standing ones: holder → since when
        lifted text[] not null default '{}',      -- holders that have lifted a hold of theirs
        revoked_at timestamptz,
        revoked_reason text,
        not_good_since timestamptz,
        receipt_id uuid,                          -- of the subscriber's last command
        check ((revoked_at is null) = (revoked_reason is null)),
        check ((not_good_since is null) = (holds = '{}' and revoked_at is null))
      );

      -- Append only. seq has no gaps and is in commit order: it is drawn under the lock of log_head.
      create table status_log (
        seq bigint primary key check (seq > 0),
        epoch uuid not null,
        prev_hash text not null,
        hash text not null unique,
        at timestamptz not null,
        card_number text references card,
        cut timestamptz unique,
        row text not null,                        -- exactly what was hashed
        check ((card_number is null) <> (cut is null))
      );
      create index status_log_card on status_log (card_number, seq) where card_number is not null;

      -- One row, whose lock is the log's lock.
      create table log_head (
        singleton boolean primary key default true check (singleton),
        epoch uuid not null,
        seq bigint not null,
        hash text not null,
        at timestamptz,
        last_cut timestamptz,
        lists jsonb not null                      -- issuer → entries and digest, as a list made now would have them
      );
      insert into log_head (epoch, seq, hash, lists) values (gen_random_uuid(), 0, '${FIRST_PREV_HASH}', '{}');

      -- May come before its card.
      create table verifier (
        card_number text primary key,
        generation int not null,
        verifier text not null
      );

      create table receipt (
        id uuid primary key,
        seq bigint not null unique references status_log,
        card_number text not null references card,
        issuer_ski text not null,
        command text not null,
        status text not null,
        holds text[] not null,
        at timestamptz not null,
        cut timestamptz not null
      );

      create table published_list (
        issuer_ski text not null,
        number numeric(49) not null,
        marker_seq bigint not null,
        sha256 text not null,
        primary key (issuer_ski, number)
      );
      create index published_list_marker on published_list (issuer_ski, marker_seq, number);

      do $$ begin
        execute format('revoke update, delete on status_log, receipt, published_list from %I',
                       'kaika_' || current_schema() || '_app');
        execute format('revoke insert, delete on log_head from %I', 'kaika_' || current_schema() || '_app');
        execute format('revoke delete on card from %I', 'kaika_' || current_schema() || '_app');
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table published_list, receipt, verifier, log_head, status_log, card');
  }
}
