import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Certificates of OCSP delegates: serial and bytes are here before any signature exists, as with every certificate. */
export class Delegates1764000004000 implements MigrationInterface {
  name = 'Delegates1764000004000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table delegate_certificate (
        serial       text        primary key references serial,
        issuer_ski   text        not null,
        requested_by text        not null,
        spki         bytea       not null,
        not_before   timestamptz not null,
        not_after    timestamptz not null,
        tbs          bytea       not null,
        intended_at  timestamptz not null,
        der          bytea,
        signed_at    timestamptz,
        check ((der is null) = (signed_at is null))
      );
      create index delegate_certificate_of_key on delegate_certificate (spki, not_after);

      do $$ begin
        execute format('revoke delete on delegate_certificate from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table delegate_certificate');
  }
}
