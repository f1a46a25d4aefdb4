import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { ReasonCode, SerialPair } from '#libs/events';
import { shownStatus, type ShownStatus } from './shown-status.js';

/** What anybody may know of a card's certificates. Nobody's address, telephone or e-mail is in it. */
export interface CertificateItem {
  cardNumber: string;
  serials: SerialPair;
  subject: string;
  name: string;
  ubn: string;
  rank: string;
  issuerSki: string;
  notBefore: string;
  notAfter: string;
  status: ShownStatus;
  acceptedAt: string | null;
  /** What the revocation list says of both certificates, now or after the next midnight; null: nothing. */
  listed: { reason: ReasonCode; since: string } | null;
}

interface Row {
  as_of_seq: string;
  card_number: string | null;
  signature_serial: string;
  encryption_serial: string;
  issuer_ski: string;
  subject: string;
  name: string;
  ubn: string;
  rank: string;
  not_before: Date;
  not_after: Date;
  accepted_at: Date | null;
  held: boolean | null;
  listed_reason: ReasonCode | null;
  listed_since: Date | null;
}

@Injectable()
export class SearchService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  /** One statement, so that the seq is the one the items are of. */
  async byCardNumber(cardNumber: string): Promise<{ items: CertificateItem[]; asOfSeq: number }> {
    const rows: Row[] = await this.source.query(
      `select feed_state.seq as as_of_seq, found.*
       from feed_state left join (
         select card.*, accepted_at, held, listed_reason, listed_since
         from card left join card_status using (card_number)
         where card_number = $1 order by card_number
       ) as found on true`,
      [cardNumber],
    );
    const now = this.clock.now();
    return {
      items: rows.filter((row) => row.card_number !== null).map((row) => itemOf(row, now)),
      asOfSeq: Number(rows[0]!.as_of_seq),
    };
  }

  /**
   * A subscriber's certificate: public from its acceptance on, whatever happened after (DOMAIN.md §2).
   *
   * @returns DER
   * @throws CaError notFound, also before the acceptance
   */
  async certificate(serial: string): Promise<Buffer> {
    const rows: { der: Buffer }[] = await this.source.query(
      `select der from certificate join card_status using (card_number)
       where serial = $1 and accepted_at is not null`,
      [serial],
    );
    if (!rows[0]) throw new CaError('notFound', 'no accepted certificate has this serial');
    return rows[0].der;
  }
}

function itemOf(row: Row, now: Date): CertificateItem {
  const { accepted_at: acceptedAt, listed_reason: reason, listed_since: since, not_after: notAfter } = row;
  return {
    cardNumber: row.card_number!,
    serials: { signature: row.signature_serial, encryption: row.encryption_serial },
    subject: row.subject,
    name: row.name,
    ubn: row.ubn,
    rank: row.rank,
    issuerSki: row.issuer_ski,
    notBefore: row.not_before.toISOString(),
    notAfter: notAfter.toISOString(),
    status: shownStatus({ acceptedAt, held: row.held ?? false, listedReason: reason, notAfter }, now),
    acceptedAt: acceptedAt?.toISOString() ?? null,
    listed: reason && since ? { reason, since: since.toISOString() } : null,
  };
}
