import type { EntityManager } from 'typeorm';
import type { CardRow } from '#libs/events';

/**
 * The newest published list of a midnight. An entry leaves only after such a list, whose thisUpdate is later than the
 * certificate's notAfter, contained it (RFC 5280 §3.3): relying parties that check old signatures have seen it by then.
 * Since cuts and markers both ascend, the newest one stands for all before it.
 */
export interface Retention {
  readonly cut: Date;
  readonly markerSeq: number;
}

/** SQL: whether a listing that stands at some later marker left because of `retention`. */
export function retiredSql(retention: Retention | undefined): string {
  if (!retention) return 'false';
  const { cut, markerSeq } = retention;
  return `(not_after < '${cut.toISOString()}' and from_seq < ${BigInt(markerSeq)})`;
}

/**
 * Lists that were neither degraded nor released contain all that the rows below their marker say.
 *
 * @param below of the lists before this number; without it, of all that are published
 */
export async function newestRetention(
  tx: EntityManager,
  issuerSki: string,
  below?: bigint,
): Promise<Retention | undefined> {
  const [row] = await tx.query<{ cut: Date; marker_seq: string }[]>(
    `select cut, marker_seq from published_list
     where issuer_ski = $1 and kind = 'scheduled' and not degraded and released is null
       and ($2::numeric is null or number < $2) order by number desc limit 1`,
    [issuerSki, below?.toString() ?? null],
  );
  return row && { cut: row.cut, markerSeq: Number(row.marker_seq) };
}

/**
 * Of these serials, those whose entry stands at the marker as far as the log goes, but has left after expiry. Asks the
 * row of the log that put the entry there, which is chained, and not our own note of it.
 */
export async function retiredAmong(
  tx: EntityManager,
  issuerSki: string,
  serials: readonly string[],
  { markerSeq, retention }: { markerSeq: number; retention: Retention | undefined },
): Promise<Set<string>> {
  if (!retention) return new Set();
  const rows = await tx.query<{ serial: string; content: string }[]>(
    `select upper(encode(serial, 'hex')) as serial, content from listing join feed_row on seq = from_seq
     where issuer_ski = $1 and serial = any($2::bytea[]) and from_seq < $3 and from_seq < $4
       and (to_seq is null or to_seq >= $3)`,
    [issuerSki, serials.map((serial) => Buffer.from(serial, 'hex')), markerSeq, retention.markerSeq],
  );
  const expired = rows.filter(({ content }) => {
    const { notAfter } = JSON.parse(content) as CardRow;
    return Date.parse(notAfter) < retention.cut.getTime();
  });
  return new Set(expired.map(({ serial }) => serial));
}
