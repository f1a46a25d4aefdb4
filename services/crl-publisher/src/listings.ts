import { finished } from 'node:stream/promises';
import type { EntityManager, QueryRunner } from 'typeorm';
import { escapeLiteral, type PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { prepared } from '#libs/database';
import { REASON_CODES, type CardRow, type CutRow, type StatusRow } from '#libs/events';
import type { CrlColumns } from '#libs/pki';
import { copyColumns, entriesOf, NO_DATE } from './copy-columns.js';
import { ListDigest } from './list-digest.js';
import { retiredSql, type Retention } from './retention.js';

const COPY_MINUTES = 10;

/**
 * Applies rows of the status log, in seq order and inside the feed's transaction: who is on the list from which row to
 * which. Both serials of a card move together. A row that leaves the entry as it was changes nothing, so applying one
 * twice does no harm.
 */
export async function applyStatusRows(rows: readonly StatusRow[], tx: EntityManager): Promise<void> {
  for (const row of rows) if (row.kind === 'cut') await keepCut(row, tx);
  for (const run of runsOf(rows)) await moveListings(run, tx);
}

/** Rows that can be applied together: in order, and none has a serial of another. */
function runsOf(rows: readonly StatusRow[]): CardRow[][] {
  const runs: CardRow[][] = [];
  let seen = new Set<string>();
  for (const row of rows) {
    if (row.kind === 'cut') continue;
    const serials = [row.serials.signature, row.serials.encryption];
    if (runs.length === 0 || serials.some((serial) => seen.has(serial))) {
      runs.push([]);
      seen = new Set();
    }
    runs.at(-1)!.push(row);
    for (const serial of serials) seen.add(serial);
  }
  return runs;
}

/** What rows say of serials, two entries a row; `reason` null: not listed. */
const SAID = `from jsonb_to_recordset($1) as said (issuer_ski text, serial text, seq bigint, reason smallint, since timestamptz,
                invalidity timestamptz, card_number text, not_after timestamptz, partition int)`;
const LEAVE = prepared(
  `update listing set to_seq = said.seq ${SAID}
   where listing.issuer_ski = said.issuer_ski and listing.serial = decode(said.serial, 'hex') and to_seq is null
     and (listing.reason, revocation_date, invalidity_date) is distinct from (said.reason, said.since, said.invalidity)`,
);
const ENTER = prepared(
  `insert into listing (issuer_ski, serial, from_seq, reason, revocation_date, invalidity_date, card_number, not_after,
     partition)
   select issuer_ski, decode(serial, 'hex'), seq, reason, since, invalidity, card_number, not_after, partition ${SAID}
   where reason is not null
   on conflict (issuer_ski, serial) where to_seq is null do nothing`,
);

async function moveListings(rows: readonly CardRow[], tx: EntityManager): Promise<void> {
  const said = rows.flatMap(({ serials, listed, ...row }) =>
    [serials.signature, serials.encryption].map((serial) => ({
      ...{ issuer_ski: row.issuerSki, serial, seq: row.seq, card_number: row.cardNumber, not_after: row.notAfter },
      reason: listed ? REASON_CODES[listed.reason] : null,
      ...{ since: listed?.since, invalidity: listed?.invalidityDate, partition: row.partition },
    })),
  );
  for (const statement of [LEAVE, ENTER]) await tx.query(statement, [JSON.stringify(said)]);
}

async function keepCut(row: CutRow, tx: EntityManager): Promise<void> {
  await tx.query('insert into cut (cut, marker_seq, hash, lists) values ($1, $2, $3, $4) on conflict do nothing', [
    row.cut,
    row.seq,
    row.hash,
    JSON.stringify(row.lists),
  ]);
}

/** The marker of a cut as our own copy of the log has it. */
export async function keptCut(tx: EntityManager, cut: Date): Promise<KeptCut | undefined> {
  const [row] = await tx.query<(KeptCut & { markerSeq: string })[]>(
    'select marker_seq as "markerSeq", hash, lists from cut where cut = $1',
    [cut],
  );
  return row && { ...row, markerSeq: Number(row.markerSeq) };
}

export interface KeptCut {
  readonly markerSeq: number;
  /** Of the marker's row in the log. */
  readonly hash: string;
  readonly lists: CutRow['lists'];
}

/** Card numbers by serial, of those that were ever listed. */
export async function cardsOf(
  tx: EntityManager,
  issuerSki: string,
  serials: readonly string[],
): Promise<Map<string, string>> {
  const rows = await tx.query<{ serial: string; card_number: string }[]>(
    `select distinct upper(encode(serial, 'hex')) as serial, card_number from listing
     where issuer_ski = $1 and serial = any($2::bytea[])`,
    [issuerSki, serials.map((serial) => Buffer.from(serial, 'hex'))],
  );
  return new Map(rows.map(({ serial, card_number }) => [serial, card_number]));
}

/** Which entries of the log are meant: everything listed by a row below the marker and not yet ended by one. */
export interface ListScope {
  readonly issuerSki: string;
  readonly markerSeq: number;
  /** Undefined while no list of a midnight is published: nothing has left after expiry. */
  readonly retention: Retention | undefined;
}

/**
 * The list of a marker, in serial order. Rows above the marker do not count, however early they arrived; the caller has
 * seen to it that none below is missing.
 */
export function listedAt(runner: QueryRunner, scope: ListScope): AsyncGenerator<CrlColumns> {
  return stream(runner, scope, `not ${retiredSql(scope.retention)}`);
}

/** Entries that the log's owner counts and that are not on the list any more: they left after expiry. */
export async function retiredAt(runner: QueryRunner, scope: ListScope): Promise<{ count: number; digest: string }> {
  const digest = new ListDigest();
  let count = 0;
  if (!scope.retention) return { count, digest: digest.value() };
  for await (const columns of stream(runner, scope, retiredSql(scope.retention))) {
    for (const { serial, reason } of entriesOf(columns)) digest.add(serial, reason!);
    count += columns.count;
  }
  return { count, digest: digest.value() };
}

async function* stream(runner: QueryRunner, scope: ListScope, which: string): AsyncGenerator<CrlColumns> {
  const client = (await runner.connect()) as PoolClient;
  await runner.startTransaction();
  await runner.query(`set local statement_timeout = '${COPY_MINUTES} min'`); // it streams as fast as it is signed
  const copy = client.query(copyTo(listSql(scope, which)));
  let broken = false;
  copy.once('error', () => (broken = true));
  try {
    yield* copyColumns(copy.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
  } finally {
    // a reader who stopped early leaves the rest on the connection: it must be read before anything else is said there
    if (!broken) await finished(copy.resume()).catch(() => undefined);
    await runner.rollbackTransaction().catch(() => undefined); // it only read
  }
}

/** COPY takes no parameters. */
function listSql({ issuerSki, markerSeq }: ListScope, which: string): string {
  const marker = BigInt(markerSeq);
  return `copy (
    select serial, extract(epoch from revocation_date)::bigint, reason,
      coalesce(extract(epoch from invalidity_date)::bigint, ${NO_DATE}) from listing
    where issuer_ski = ${escapeLiteral(issuerSki)} and from_seq < ${marker} and (to_seq is null or to_seq >= ${marker})
      and ${which}
    order by serial) to stdout (format binary)`;
}
