import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cards that were sent in, and the applications that replace defective ones. */
export class Returns1764000007000 implements MigrationInterface {
  name = 'Returns1764000007000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table card_return (
        case_number     text        primary key,
        card_number     text        not null,  -- as the slip says, then as it is printed on the card that came
        code_digest     bytea       not null,  -- SHA-256 of the slip's code, which has 50 random bits
        state           text        not null check (state in ('announced', 'received', 'identified', 'decided', 'sent-back')),
        letter          text,                  -- sealed: what is wrong, and whom to send it back to; null: erased
        announced_at    timestamptz not null,
        received_at     timestamptz,
        received_by     text,
        identified_at   timestamptz,
        identified_how  text        check (identified_how in ('proof', 'number')),
        identified_by   text,                  -- of 'number': who compared it
        unlocked_at     timestamptz,           -- acceptance said so, while the card was here
        outcome         text        check (outcome in ('unlocked', 'found-sound', 'defective')),
        asked_by        text,
        decided_by      text,
        decided_at      timestamptz,
        replacement     text        unique references application,
        registered_mail text,
        sent_back_at    timestamptz,
        sent_back_by    text,
        erased_at       timestamptz,
        check ((state = 'announced') = (received_at is null) and (received_at is null) = (received_by is null)),
        check ((identified_at is null) = (identified_how is null)),
        check ((state in ('decided', 'sent-back')) = (outcome is not null)),
        check ((outcome is null) = (decided_at is null) and (outcome is null) = (decided_by is null)
               and (outcome is null) = (asked_by is null)),
        check (asked_by <> decided_by),        -- two persons, whatever the code does
        check ((replacement is not null) = (outcome is not distinct from 'defective')),
        check ((state = 'sent-back') = (sent_back_at is not null)),
        check ((state = 'sent-back') = (registered_mail is not null)),
        check ((letter is null) = (erased_at is not null))
      );
      create unique index card_return_here on card_return (card_number)
        where state in ('received', 'identified', 'decided');
      create index card_return_in_order on card_return (announced_at, case_number);
      create index card_return_with_letter on card_return (sent_back_at) where letter is not null;

      -- What acceptance told of each card: when it locked itself, when it was unlocked at the centre.
      create table known_lock (
        card_number          text        primary key,
        locked_at            timestamptz,
        unlocked_at          timestamptz,
        transport_generation int,
        puk_generation       int
      );

      alter table known_status add column accepted boolean not null default false;
      -- As far as the last row tells: a card held before it was accepted counts as accepted until its next row says better.
      update known_status set accepted = true where kind in ('accepted', 'suspended', 'resumed');

      alter table application
        drop constraint application_way,
        add column replaces text unique references application,  -- free of charge, for a card that was defective
        add constraint application_way check (case way
          when 'A' then verifier is not null and num_nonnulls(representative_verifier, office, office_case,
                                                              office_request, push) = 0
          else verifier is null and representative_verifier is not null
               and num_nulls(office, office_case, office_request, push) = case when replaces is null then 0 else 4 end
          end);

      do $$ begin
        execute format('revoke delete on card_return from %I', 'kaika_' || current_schema() || '_app');
      exception when undefined_object then null; -- a schema that was not made by provision()
      end $$;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table known_lock, card_return;
      alter table known_status drop column accepted;
      alter table application
        drop constraint application_way,
        drop column replaces,
        add constraint application_way check (case way
          when 'A' then verifier is not null and num_nonnulls(representative_verifier, office, office_case,
                                                              office_request, push) = 0
          else verifier is null and num_nulls(representative_verifier, office, office_case,
                                              office_request, push) = 0 end);`);
  }
}
