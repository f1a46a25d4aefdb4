import type { EntityManager } from 'typeorm';
import { prepared } from '#libs/database';
import { type StatusRow, statusRow, statusRowHash } from '#libs/events';

export interface Watermark {
  /** Undefined before the first row. */
  epoch: string | undefined;
  /** Every row up to here is applied. */
  seq: number;
  /** Hash of that row. */
  hash: string;
  /** Log time of that row. */
  at: Date | undefined;
}

/** Why a row that came was not taken. `altered`: another row has its seq. `forged`: its own hash is wrong. */
export type Conflict = 'altered' | 'forged' | 'unlinked';

const LAND = prepared(
  'insert into feed_row (seq, hash, content) values ($1, $2, $3) on conflict do nothing returning seq',
);

/** Takes a row by its seq. @returns what is wrong, if anything; the row is then kept as evidence only */
export async function landRow(tx: EntityManager, row: StatusRow): Promise<Conflict | undefined> {
  const hash = statusRowHash(row);
  if (hash !== row.hash) {
    await keepConflict(tx, row, hash, 'forged');
    return 'forged';
  }
  const landed = await tx.query<unknown[]>(LAND, [row.seq, hash, JSON.stringify(row)]);
  if (landed.length > 0) return undefined;
  const [present] = await tx.query<{ hash: string }[]>('select hash from feed_row where seq = $1', [row.seq]);
  if (present?.hash === hash) return undefined;
  await keepConflict(tx, row, hash, 'altered');
  return 'altered';
}

/** The owner's row takes the place of one that doesn't fit the chain, which stays as evidence. */
export async function replaceRow(tx: EntityManager, wrong: StatusRow, right: StatusRow): Promise<void> {
  await keepConflict(tx, wrong, wrong.hash, 'unlinked');
  await tx.query('update feed_row set hash = $2, content = $3 where seq = $1', [
    right.seq,
    right.hash,
    JSON.stringify(right),
  ]);
}

/** Lands rows of the owner, and puts those in the place of what is there otherwise. */
export async function correctRows(tx: EntityManager, rows: readonly StatusRow[]): Promise<void> {
  const columns = [rows.map(({ seq }) => seq), rows.map(({ hash }) => hash), rows.map((row) => JSON.stringify(row))];
  await tx.query(
    `insert into feed_row (seq, hash, content) select * from unnest($1::bigint[], $2::text[], $3::text[])
     on conflict do nothing`,
    columns,
  );
  const wrong = await tx.query<{ seq: string; content: string }[]>(
    `select seq, feed_row.content from feed_row join unnest($1::bigint[], $2::text[]) as owner (seq, hash) using (seq)
     where feed_row.hash <> owner.hash`,
    columns.slice(0, 2),
  );
  for (const { seq, content } of wrong) {
    const right = rows.find((row) => row.seq === Number(seq))!;
    await replaceRow(tx, statusRow.parse(JSON.parse(content)), right);
  }
}

async function keepConflict(tx: EntityManager, row: StatusRow, hash: string, reason: Conflict): Promise<void> {
  await tx.query(
    'insert into feed_conflict (seq, hash, content, reason) values ($1, $2, $3, $4) on conflict do nothing',
    [row.seq, hash, JSON.stringify(row), reason],
  );
}

/** Landed rows above `seq`, without a gap from `seq + 1` on. */
export async function nextRows(tx: EntityManager, seq: number, limit: number): Promise<StatusRow[]> {
  const rows = await tx.query<{ seq: string; content: string }[]>(
    'select seq, content from feed_row where seq > $1 order by seq limit $2',
    [seq, limit],
  );
  const gap = rows.findIndex((row, i) => Number(row.seq) !== seq + 1 + i);
  return rows.slice(0, gap < 0 ? undefined : gap).map((row) => statusRow.parse(JSON.parse(row.content)));
}

/** Landed rows above `seq`, with a hole or without. */
export async function landedAbove(tx: EntityManager, seq: number): Promise<number> {
  const [row] = await tx.query<{ rows: number }[]>('select count(*)::int as rows from feed_row where seq > $1', [seq]);
  return row!.rows;
}

/** How long the first row behind a hole has been waiting, milliseconds; undefined when there is no hole. */
export async function holeAge(tx: EntityManager, seq: number): Promise<number | undefined> {
  const [first] = await tx.query<{ seq: string; age: number }[]>(
    `select seq, (extract(epoch from clock_timestamp() - landed_at) * 1000)::float8 as age
     from feed_row where seq > $1 order by seq limit 1`,
    [seq],
  );
  return first && Number(first.seq) > seq + 1 ? first.age : undefined;
}

export async function readWatermark(tx: EntityManager, lock = false): Promise<Watermark> {
  const [state] = await tx.query<{ epoch: string | null; seq: string; hash: string; at: Date | null }[]>(
    `select epoch, seq, hash, at from feed_state ${lock ? 'for update' : ''}`,
  );
  return { epoch: state!.epoch ?? undefined, seq: Number(state!.seq), hash: state!.hash, at: state!.at ?? undefined };
}

export async function writeWatermark(tx: EntityManager, { epoch, seq, hash, at }: Watermark): Promise<void> {
  await tx.query('update feed_state set epoch = $1, seq = $2, hash = $3, at = $4', [epoch, seq, hash, at]);
}

/** Whether a row of this epoch was applied. */
export async function epochWasSeen(tx: EntityManager, epoch: string, seq: number): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from feed_row where seq <= $2 and content::json ->> 'epoch' = $1 limit 1`,
    [epoch, seq],
  );
  return rows.length > 0;
}
