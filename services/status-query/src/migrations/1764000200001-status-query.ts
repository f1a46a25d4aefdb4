import type { MigrationInterface, QueryRunner } from 'typeorm';

export class StatusQuery1764000200001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What issuance told. No contact data comes here.
      create table card (
        card_number text primary key,
        signature_serial text not null,
        encryption_serial text not null,
        issuer_ski text not null,
        subject text not null,
        name text not null,
        ubn text not null,
        email text,
        rank text not null,
        not_before timestamptz not null,
        not_after timestamptz not null
      );

      create table certificate (
        serial text primary key,
        card_number text not null,
        der bytea not null
      );

      -- What the status log says, up to the feed's watermark. A row may be here before its card is: it waits.
      create table card_status (
        card_number text primary key,
        seq bigint not null,
        accepted_at timestamptz,
        held boolean not null,
        listed_reason text,
        listed_since timestamptz,
        check ((listed_reason is null) = (listed_since is null))
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table card, certificate, card_status');
  }
}
