import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Notices of applications, which have no card yet. */
export class ApplicationNotices1764000008000 implements MigrationInterface {
  name = 'ApplicationNotices1764000008000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table notice
        alter column card_number drop not null,
        add column case_number text references application,
        add constraint notice_of_one check (num_nonnulls(card_number, case_number) = 1);
      create index notice_of_case on notice (case_number) where case_number is not null;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      delete from notice where card_number is null;
      alter table notice drop column case_number, alter column card_number set not null;`);
  }
}
