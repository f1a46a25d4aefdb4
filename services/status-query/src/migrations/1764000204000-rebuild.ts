import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Rebuild1764000204000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table rebuild (
        id uuid primary key,
        requested_at timestamptz not null,
        requested_by text not null,
        finished_at timestamptz,
        -- Why it was given up; nothing was put in the place of what was read then.
        problem text,
        check (problem is null or finished_at is not null)
      );
      create unique index rebuild_unfinished on rebuild ((true)) where finished_at is null;

      -- card_status as it is made anew from the owner's log; put in its place at the end.
      create table rebuilt_status (
        card_number text primary key,
        seq bigint not null,
        accepted_at timestamptz,
        held boolean not null,
        listed_reason text,
        listed_since timestamptz,
        listed_invalidity timestamptz
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table rebuild, rebuilt_status');
  }
}
