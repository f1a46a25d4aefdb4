import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EmergencyCut1764000001100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // which emergency list a marker is for; null in all other rows
    await runner.query(
      `alter table status_log add column emergency uuid unique check (emergency is null or cut is not null)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table status_log drop column emergency');
  }
}
