import type { MigrationInterface, QueryRunner } from 'typeorm';

export class OpenAlarms1764000003200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Alarms that were raised and are not cleared: each has an event for its row coming and one for its going.
      create table open_alarm (
        alarm text primary key,
        raised_at timestamptz not null
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table open_alarm');
  }
}
