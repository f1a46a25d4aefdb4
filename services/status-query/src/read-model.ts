import type { EntityManager } from 'typeorm';
import type { CardRow, EventData, StatusRow } from '#libs/events';
import { normaliseName } from '#libs/taiwan';

export type IssuedCard = EventData<'certificate.issued'>;
type Queries = Pick<EntityManager, 'query'>;

/** `certificate.issued`. A card number is issued once: the first word stands. */
export async function applyIssued(card: IssuedCard, tx: Queries): Promise<void> {
  await put(tx, 'card', [cardColumns(card)], 'card_number', false);
  await put(tx, 'certificate', certificateColumns(card), 'serial', false);
}

/** Rows of the status log, in their order: each says the card's whole state, so the last one stands. */
export async function applyStatusRows(rows: readonly StatusRow[], tx: Queries): Promise<void> {
  const last = new Map(rows.flatMap((row) => (row.kind === 'cut' ? [] : [[row.cardNumber, row] as const])));
  await put(tx, 'card_status', [...last.values()].map(statusColumns), 'card_number', true);
}

export function cardColumns(card: IssuedCard) {
  return {
    card_number: card.cardNumber,
    signature_serial: card.serials.signature,
    encryption_serial: card.serials.encryption,
    issuer_ski: card.issuerSki,
    subject: card.subject,
    name: card.name,
    name_key: normaliseName(card.name),
    ubn: card.ubn,
    email: card.email ?? null,
    rank: card.rank,
    not_before: card.notBefore,
    not_after: card.notAfter,
  };
}

/** The card's own certificate (9E) is nobody's to ask for. */
export function certificateColumns({ cardNumber, serials, certificates }: IssuedCard) {
  return (['signature', 'encryption'] as const).map((role) => ({
    serial: serials[role],
    card_number: cardNumber,
    der: `\\x${Buffer.from(certificates[role], 'base64').toString('hex')}`,
  }));
}

export function statusColumns(row: CardRow) {
  return {
    card_number: row.cardNumber,
    seq: row.seq,
    accepted_at: row.acceptedAt,
    held: row.holds.length > 0,
    listed_reason: row.listed?.reason ?? null,
    listed_since: row.listed?.since ?? null,
    listed_invalidity: row.listed?.invalidityDate ?? null,
  };
}

type Table = 'card' | 'certificate' | 'card_status' | 'rebuilt_status';

/**
 * Writes rows, all of the same columns, whose keys differ. Where there is one already it stays, or, with `correct`, gets
 * these values; one that has them is not touched.
 */
export async function put(
  tx: Queries,
  table: Table,
  rows: readonly Record<string, unknown>[],
  key: string,
  correct: boolean,
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]!);
  const values = columns.filter((column) => column !== key);
  const list = (names: string[], table?: string) => names.map((name) => (table ? `${table}.${name}` : name)).join(', ');
  const update = `do update set (${list(values)}) = row(${list(values, 'excluded')})
                  where (${list(values, 't')}) is distinct from (${list(values, 'excluded')})`;
  await tx.query(
    `insert into ${table} as t (${list(columns)})
     select ${list(columns)} from jsonb_populate_recordset(null::${table}, $1)
     on conflict (${key}) ${correct ? update : 'do nothing'}`,
    [JSON.stringify(rows)],
  );
}
