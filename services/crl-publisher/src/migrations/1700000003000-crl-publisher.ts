import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CrlPublisher1700000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(LISTINGS);
    await runner.query(RUNS);
    await runner.query(PUBLISHED_LISTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table published_part, published_list, attempt, due_run, issuer, cut, listing');
  }
}

/** Written by the applier of the status feed alone. */
const LISTINGS = `
  -- An entry was on the list from the log's row from_seq up to its row to_seq (null: still is).
  create table listing (
    issuer_ski text not null,
    serial bytea not null check (octet_length(serial) = 16),
    from_seq bigint not null,
    to_seq bigint check (to_seq > from_seq),
    revocation_date timestamptz not null check (revocation_date = date_trunc('second', revocation_date)),
    reason smallint not null check (reason in (1, 3, 4, 5, 6, 9)),
    card_number text not null,
    not_after timestamptz not null,
    partition int,
    -- A list is streamed in serial order out of this index alone.
    primary key (issuer_ski, serial, from_seq) include (to_seq, revocation_date, reason)
  );
  create unique index listing_open on listing (issuer_ski, serial) where to_seq is null;

  -- The list of a cut holds what the rows below marker_seq say; lists is what the owner expects on it.
  create table cut (
    cut timestamptz primary key,
    marker_seq bigint not null unique,
    hash text not null,
    lists jsonb not null
  );`;

const RUNS = `
  -- The row to lock for anything that orders an issuer's lists.
  create table issuer (
    ski text primary key,
    -- The highest CRL number ever drawn, published or burnt.
    last_number numeric(49) not null default 0
  );

  create table due_run (
    issuer_ski text not null references issuer,
    cut timestamptz not null check (cut = date_trunc('second', cut)),
    kind text not null check (kind in ('first', 'scheduled')),
    state text not null default 'due' check (state in ('due', 'running', 'held', 'published', 'superseded')),
    -- The CRL number of the attempt that may publish. Drawn anew by each attempt and always higher, so it is the
    -- fencing token too: an attempt whose number no longer stands here has been overtaken.
    number numeric(49),
    primary key (issuer_ski, cut)
  );

  -- Each number drawn, and what became of it.
  create table attempt (
    issuer_ski text not null,
    number numeric(49) not null check (number > 0 and number < 2::numeric ^ 159),
    cut timestamptz not null,
    started_at timestamptz not null,
    outcome text not null default 'running'
      check (outcome in ('running', 'published', 'failed', 'held', 'superseded', 'abandoned')),
    problem text,
    primary key (issuer_ski, number),
    foreign key (issuer_ski, cut) references due_run
  );`;

/** Insert only: the application role can neither change nor remove what was published. */
const PUBLISHED_LISTS = `
  create table published_list (
    issuer_ski text not null,
    number numeric(49) not null,
    kind text not null check (kind in ('first', 'scheduled')),
    cut timestamptz not null,
    marker_seq bigint not null,
    this_update timestamptz not null,
    next_update timestamptz not null check (next_update > this_update),
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bigint not null,
    entry_count int not null,
    published_at timestamptz not null,
    primary key (issuer_ski, number),
    foreign key (issuer_ski, number) references attempt,
    unique (issuer_ski, cut)
  );

  create table published_part (
    issuer_ski text not null,
    number numeric(49) not null,
    part int not null,
    bytes bytea not null,
    primary key (issuer_ski, number, part),
    foreign key (issuer_ski, number) references published_list
  );
  alter table published_part alter column bytes set storage external; -- serials and signatures do not compress

  do $$ begin
    execute format('revoke update, delete on published_list, published_part from %I', 'kaika_' || current_schema() || '_app');
  exception when undefined_object then null; -- a schema that was not made by provision()
  end $$;`;
