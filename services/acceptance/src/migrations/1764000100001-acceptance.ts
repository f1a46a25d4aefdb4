import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Acceptance1764000100001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table card (
        card_number text primary key,
        card_uuid uuid not null,
        way text not null check (way in ('A', 'B')),
        signature_certificate bytea not null,
        encryption_certificate bytea not null,
        card_authentication_certificate bytea not null,
        accepted_at timestamptz,
        live_activation uuid,
        live_job uuid,
        jobs_released integer not null default 0,
        activated_at timestamptz,
        activated_by uuid,
        check ((live_activation is null) = (jobs_released = 0) and (live_job is null) = (jobs_released = 0)),
        check ((activated_at is null) = (activated_by is null)),
        check (activated_at is null or accepted_at is not null)
      );

      -- No foreign keys to card: an event about a card may come before the card's own.
      create table verifier (
        card_number text primary key,
        generation integer not null,
        verifier text not null
      );

      create table status_copy (
        card_number text primary key,
        epoch uuid not null,
        seq bigint not null,
        kind text not null
      );

      create table activation (
        id uuid primary key,
        card_number text not null,
        way text not null check (way in ('A', 'B')),
        nonce bytea not null,
        expires_at timestamptz not null,
        nonce_used_at timestamptz,
        accepted_at timestamptz,
        proof_signature bytea,
        completion_nonce bytea,
        check (accepted_at is null or (nonce_used_at is not null and proof_signature is not null and completion_nonce is not null))
      );
      create index activation_abandoned on activation (expires_at) where accepted_at is null;

      -- What a card signed, and the exact octets: kept for whoever doubts an acceptance, never changed.
      create table evidence (
        id bigint generated always as identity primary key,
        card_number text not null,
        activation uuid not null,
        slot text not null check (slot in ('9E', '9C')),
        signed bytea not null,
        signature bytea not null,
        at timestamptz not null,
        unique (activation, slot)
      );
      create index evidence_card on evidence (card_number);
      do $$ begin
        execute format('revoke update, delete on evidence from %I', 'kaika_' || current_schema() || '_app');
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table card, verifier, status_copy, activation, evidence');
  }
}
