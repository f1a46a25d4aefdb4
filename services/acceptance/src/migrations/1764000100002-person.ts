import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Way B, refusals, user codes changed and forgotten. */
export class Person1764000100002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table verifier add column kind text not null default 'user-code'
        check (kind in ('user-code', 'representative'));
      alter table verifier drop constraint verifier_pkey, add primary key (card_number, kind);
      alter table verifier alter column kind drop default;

      alter table activation add column refused_at timestamptz,
        add check (refused_at is null or (nonce_used_at is not null and accepted_at is null));
      drop index activation_abandoned;
      create index activation_abandoned on activation (expires_at) where accepted_at is null and refused_at is null;

      -- One card can sign for more than acceptances; act says what came of the signature.
      alter table evidence rename column activation to session;
      alter table evidence add column act text not null default 'accept'
          check (act in ('accept', 'complete', 'refuse', 'reset-user-code')),
        add column unusual_id_confirmed boolean not null default false;
      update evidence set act = 'complete' where slot = '9C';
      alter table evidence alter column act drop default;

      create table user_code_reset (
        id uuid primary key,
        card_number text not null,
        nonce bytea not null,
        expires_at timestamptz not null,
        nonce_used_at timestamptz,
        -- Of the one-time code; gone once it was used or replaced by a newer one.
        code_verifier text,
        code_requested_at timestamptz,
        code_expires_at timestamptz,
        tries integer not null default 0,
        completed_at timestamptz,
        check ((code_requested_at is null) = (code_expires_at is null)),
        check (code_requested_at is null or nonce_used_at is not null),
        check (code_verifier is null or (code_requested_at is not null and completed_at is null)),
        check (completed_at is null or code_requested_at is not null)
      );
      create index user_code_reset_card on user_code_reset (card_number, code_requested_at);
      create index user_code_reset_expires on user_code_reset (expires_at);`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table user_code_reset;
      alter table evidence drop column unusual_id_confirmed, drop column act;
      alter table evidence rename column session to activation;
      alter table activation drop column refused_at;
      create index if not exists activation_abandoned on activation (expires_at) where accepted_at is null;
      delete from verifier where kind = 'representative';
      alter table verifier drop constraint verifier_pkey, add primary key (card_number);
      alter table verifier drop column kind;`);
  }
}
