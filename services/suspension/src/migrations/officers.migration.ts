import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Acts of officers and of the acceptance deadline, with receipts of their own. */
export class Officers1764000002000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table card
        add column compromised_at timestamptz check (compromised_at is null or revoked_at is not null),
        add column accept_by timestamptz,           -- last moment of the time for acceptance; null: none
        add column reminded_days int;               -- the last reminder was of so many days before accept_by

      -- What is still to be accepted, and has not met its deadline.
      create index card_accept_by on card (accept_by, card_number)
        where accepted_at is null and revoked_at is null and not holds ? 'deadline';

      alter table receipt
        add column holder text,                     -- null: of a revocation
        add column reason text check ((reason is not null) = (command = 'revoke'));
      update receipt set holder = 'subscriber';
      alter table receipt add check ((holder is null) = (command = 'revoke'));
      create index receipt_card on receipt (card_number, seq);

      -- A receipt is found by its card and holder.
      alter table card drop column receipt_id;

      -- Who did what to a card, and on what ground. Append only.
      create table officer_act (
        id bigint generated always as identity primary key,
        card_number text not null references card,
        act text not null check (act in ('hold', 'release', 'revoke', 'extend')),
        by text not null,
        ground text not null,
        at timestamptz not null,
        request uuid,                               -- of two persons
        receipt uuid references receipt
      );
      create index officer_act_card on officer_act (card_number, id);

      do $$ begin
        execute format('revoke update, delete on officer_act from %I', 'kaika_' || current_schema() || '_app');
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table officer_act;
      drop index card_accept_by;
      alter table receipt drop column holder, drop column reason;
      drop index receipt_card;
      alter table card drop column compromised_at, drop column accept_by, drop column reminded_days,
        add column receipt_id uuid`);
  }
}
