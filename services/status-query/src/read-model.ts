import type { EntityManager } from 'typeorm';
import type { EventData, StatusRow } from '#libs/events';
import { normaliseName } from '#libs/taiwan';

/** `certificate.issued`. A card number is issued once: the first word stands. */
export async function applyIssued(card: EventData<'certificate.issued'>, tx: EntityManager): Promise<void> {
  const { cardNumber, serials, certificates } = card;
  await tx.query(
    `insert into card (card_number, signature_serial, encryption_serial, issuer_ski, subject, name, name_key, ubn, email,
       rank, not_before, not_after)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
    [
      ...[cardNumber, serials.signature, serials.encryption, card.issuerSki, card.subject, card.name],
      ...[normaliseName(card.name), card.ubn, card.email ?? null, card.rank, card.notBefore, card.notAfter],
    ],
  );
  for (const role of ['signature', 'encryption'] as const) {
    await tx.query('insert into certificate (serial, card_number, der) values ($1, $2, $3) on conflict do nothing', [
      serials[role],
      cardNumber,
      Buffer.from(certificates[role], 'base64'),
    ]);
  }
}

/** One row of the status log, in its turn: each says the card's whole state, so the last one stands. */
export async function applyStatusRow(row: StatusRow, tx: EntityManager): Promise<void> {
  if (row.kind === 'cut') return;
  await tx.query(
    `insert into card_status (card_number, seq, accepted_at, held, listed_reason, listed_since, listed_invalidity)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (card_number) do update set seq = excluded.seq, accepted_at = excluded.accepted_at,
       held = excluded.held, listed_reason = excluded.listed_reason, listed_since = excluded.listed_since,
       listed_invalidity = excluded.listed_invalidity`,
    [
      ...[row.cardNumber, row.seq, row.acceptedAt, row.holds.length > 0],
      ...[row.listed?.reason ?? null, row.listed?.since ?? null, row.listed?.invalidityDate ?? null],
    ],
  );
}
