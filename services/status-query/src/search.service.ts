import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { Listing, ReasonCode, SerialPair } from '#libs/events';
import { conditionOf, type SearchQuery } from './search-criteria.js';
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
  listed: Listing | null;
}

export interface Page {
  items: CertificateItem[];
  /** The next page comes after this card; null: there is none. */
  next: string | null;
  /** The row of the status log the items are of. */
  asOfSeq: number;
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
  listed_invalidity: Date | null;
}

@Injectable()
export class SearchService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  /**
   * One statement, so that the seq is the one the items are of.
   *
   * @throws CaError invalidRequest for an `after` that is no card's
   */
  async find(query: SearchQuery): Promise<Page> {
    const { limit, after } = query;
    const afterName = query.namePrefix && after ? await this.nameKeyOf(after) : undefined;
    const { where, orderBy, parameters } = conditionOf(query, afterName);
    const rows: Row[] = await this.source.query(
      `select feed_state.seq as as_of_seq, found.*
       from feed_state left join (
         select card.*, accepted_at, held, listed_reason, listed_since, listed_invalidity
         from card left join card_status using (card_number)
         where ${where} order by ${orderBy} limit $1
       ) as found on true
       order by ${orderBy}`,
      [limit + 1, after ?? '', ...parameters], // one more than asked for tells whether there is a next page
    );
    const now = this.clock.now();
    const items = rows.filter((row) => row.card_number !== null).map((row) => itemOf(row, now));
    const isLast = items.length <= limit;
    return {
      items: items.slice(0, limit),
      next: isLast ? null : items[limit - 1]!.cardNumber,
      asOfSeq: Number(rows[0]!.as_of_seq),
    };
  }

  private async nameKeyOf(cardNumber: string): Promise<string> {
    const [card] = await this.source.query<{ name_key: string }[]>('select name_key from card where card_number = $1', [
      cardNumber,
    ]);
    if (card) return card.name_key;
    const errors = [{ at: 'query:after', problem: 'is not the end of a page' }];
    throw new CaError('invalidRequest', 'query:after: is not the end of a page', { errors });
  }

  /**
   * A subscriber's certificate: public from its acceptance on, whatever happened after (DOMAIN.md §2).
   *
   * @returns DER, and which CA issued it
   * @throws CaError notFound, also before the acceptance
   */
  async certificate(serial: string): Promise<{ der: Buffer; issuerSki: string }> {
    const [found] = await this.source.query<{ der: Buffer; issuerSki: string }[]>(
      `select der, issuer_ski as "issuerSki"
       from certificate join card using (card_number) join card_status using (card_number)
       where serial = $1 and accepted_at is not null`,
      [serial],
    );
    if (!found) throw new CaError('notFound', 'no accepted certificate has this serial');
    return found;
  }
}

function itemOf(row: Row, now: Date): CertificateItem {
  const { accepted_at: acceptedAt, listed_reason: listedReason, not_after: notAfter } = row;
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
    status: shownStatus({ acceptedAt, held: row.held ?? false, listedReason, notAfter }, now),
    acceptedAt: acceptedAt?.toISOString() ?? null,
    listed: listingOf(row),
  };
}

function listingOf({ listed_reason: reason, listed_since: since, listed_invalidity: invalidity }: Row): Listing | null {
  if (!reason || !since) return null;
  return { reason, since: since.toISOString(), ...(invalidity && { invalidityDate: invalidity.toISOString() }) };
}
