import { finished } from 'node:stream/promises';
import type { EntityManager, QueryRunner } from 'typeorm';
import { escapeLiteral, type PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { REASON_CODES, type CardRow, type CutRow, type StatusRow } from '#libs/events';
import type { CrlColumns } from '#libs/pki';
import { copyColumns } from './copy-columns.js';

const COPY_MINUTES = 10;

/**
 * Applies one row of the status log, in seq order and inside the feed's transaction: who is on the list from which row
 * to which. Both serials of a card move together. A row that leaves the entry as it was changes nothing, so applying
 * one twice does no harm.
 */
export async function applyStatusRow(row: StatusRow, tx: EntityManager): Promise<void> {
  await (row.kind === 'cut' ? keepCut(row, tx) : moveListing(row, tx));
}

async function moveListing(row: CardRow, tx: EntityManager): Promise<void> {
  const serials = [row.serials.signature, row.serials.encryption].map((serial) => Buffer.from(serial, 'hex'));
  const reason = row.listed ? REASON_CODES[row.listed.reason] : null;
  const since = row.listed?.since ?? null;
  await tx.query(
    `update listing set to_seq = $3 where issuer_ski = $1 and serial = any($2::bytea[]) and to_seq is null
       and (reason, revocation_date) is distinct from ($4::smallint, $5::timestamptz)`,
    [row.issuerSki, serials, row.seq, reason, since],
  );
  if (!row.listed) return;
  await tx.query(
    `insert into listing (issuer_ski, serial, from_seq, reason, revocation_date, card_number, not_after, partition)
     select $1, serial, $3, $4, $5, $6, $7, $8 from unnest($2::bytea[]) as serial
     on conflict (issuer_ski, serial) where to_seq is null do nothing`,
    [row.issuerSki, serials, row.seq, reason, since, row.cardNumber, row.notAfter, row.partition],
  );
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

/**
 * The list of a marker, in serial order: everything listed by a row below it and not yet ended by one. Rows above it do
 * not count, however early they arrived; the caller has seen to it that none below is missing.
 */
export async function* listedAt(runner: QueryRunner, issuerSki: string, markerSeq: number): AsyncGenerator<CrlColumns> {
  const client = (await runner.connect()) as PoolClient;
  await runner.startTransaction();
  await runner.query(`set local statement_timeout = '${COPY_MINUTES} min'`); // it streams as fast as it is signed
  const stream = client.query(copyTo(listSql(issuerSki, BigInt(markerSeq))));
  let broken = false;
  stream.once('error', () => (broken = true));
  try {
    yield* copyColumns(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
  } finally {
    // a reader who stopped early leaves the rest on the connection: it must be read before anything else is said there
    if (!broken) await finished(stream.resume()).catch(() => undefined);
    await runner.rollbackTransaction().catch(() => undefined); // it only read
  }
}

/** COPY takes no parameters. */
const listSql = (issuerSki: string, marker: bigint) => `copy (
  select serial, extract(epoch from revocation_date)::bigint, reason from listing
  where issuer_ski = ${escapeLiteral(issuerSki)} and from_seq < ${marker} and (to_seq is null or to_seq >= ${marker})
  order by serial) to stdout (format binary)`;
