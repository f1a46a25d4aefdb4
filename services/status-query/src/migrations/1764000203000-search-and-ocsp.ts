import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Search by more than the card number, and what OCSP needs to know: how far the log is known, and since when. */
export class SearchAndOcsp1764000203000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The name as it is compared (DOMAIN.md §3), by code point whatever the database's own collation is.
      alter table card add column name_key text collate "C";
      update card set name_key = name;
      alter table card alter column name_key set not null;

      -- Each search is a range of one of these, in the order of its pages.
      create index card_by_name on card (name_key, card_number);
      create index card_by_ubn on card (ubn, card_number);
      create index card_by_email on card (email, card_number) where email is not null;

      -- The time of compromise, as the list says it (RFC 5280 §5.3.2).
      alter table card_status add column listed_invalidity timestamptz;
      -- Since when a status may have been waiting for its card; by the database's own clock.
      alter table card_status add column noticed_at timestamptz not null default clock_timestamp();

      -- What suspension said of its log: nothing at or before this time is above this row. Holds the newest one that
      -- counts (every row up to its seq is applied), and those that don't yet.
      create table status_watermark (
        epoch uuid not null,
        seq bigint not null,
        time timestamptz not null,
        primary key (epoch, seq)
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table status_watermark;
      drop index card_by_name, card_by_ubn, card_by_email;
      alter table card drop column name_key;
      alter table card_status drop column listed_invalidity, drop column noticed_at;`);
  }
}
