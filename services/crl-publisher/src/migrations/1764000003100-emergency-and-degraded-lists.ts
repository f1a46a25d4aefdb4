import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EmergencyAndDegradedLists1764000003100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table listing add column invalidity_date timestamptz
        check (invalidity_date = date_trunc('second', invalidity_date));
      -- A list is streamed in serial order out of this index alone.
      alter table listing drop constraint listing_pkey, add primary key (issuer_ski, serial, from_seq)
        include (to_seq, revocation_date, reason, not_after, invalidity_date);

      -- Emergency lists that two persons asked for; each gets a run, unless a midnight comes first.
      create table emergency_list (
        id uuid primary key references dual_control_request,
        issuer_ski text not null,
        approved_at timestamptz not null
      );

      alter table due_run drop constraint due_run_kind_check,
        add check (kind in ('first', 'scheduled', 'emergency')),
        add column emergency uuid unique references emergency_list,
        add check ((kind = 'emergency') = (emergency is not null));

      -- Why an attempt was held back, for those who decide about it.
      alter table attempt add column held jsonb;

      -- Two persons have looked at the exact list of a held run: it may go out as long as it says just that.
      create table list_release (
        id uuid primary key references dual_control_request,
        issuer_ski text not null,
        cut timestamptz not null,
        entry_count int not null,
        digest text not null,
        approved_at timestamptz not null,
        foreign key (issuer_ski, cut) references due_run
      );

      alter table published_list drop constraint published_list_kind_check,
        add check (kind in ('first', 'scheduled', 'emergency')),
        -- The list before and the new one together, since the log does not explain their difference.
        add column degraded boolean not null default false,
        add column released uuid references list_release,
        -- Entries that the log still lists and that left after they expired (RFC 5280 §3.3).
        add column retired_count int not null default 0;`);
    await runner.query(`
      do $$ begin
        execute format('revoke update, delete on emergency_list, list_release from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table published_list drop column degraded, drop column released, drop column retired_count;
      alter table attempt drop column held;
      alter table due_run drop column emergency;
      drop table list_release, emergency_list;
      alter table listing drop constraint listing_pkey, drop column invalidity_date,
        add primary key (issuer_ski, serial, from_seq) include (to_seq, revocation_date, reason);`);
  }
}
