import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { ReasonCode } from '#libs/events';
import type { KnownCertificate } from '#libs/ocsp';
import type { Authority } from '#libs/pki';
import { AUTHORITY } from '../chain.js';

interface Row {
  serial: string;
  notAfter: Date;
  seq: string;
  reason: ReasonCode | null;
  since: Date | null;
}

/**
 * What OCSP says of certificates: what the list says, at once. Good is whatever was issued and is on no list, accepted or
 * not (DOMAIN.md §2); what was revoked or held stays so after its expiry.
 */
@Injectable()
export class KnownCertificates {
  constructor(
    private readonly source: DataSource,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  /** Those of the issuing CA; one that was never issued is not in the answer. */
  async find(serials: readonly string[]): Promise<Map<string, KnownCertificate>> {
    const rows = await this.source.query<Row[]>(
      `select serial, not_after as "notAfter", coalesce(seq, 0) as seq, listed_reason as reason, listed_since as since
       from certificate join card using (card_number) left join card_status using (card_number)
       where serial = any($1) and issuer_ski = $2`,
      [serials, this.authority.issuing.skiHex],
    );
    return new Map(rows.map((row) => [row.serial, knownOf(row)]));
  }
}

function knownOf({ notAfter, seq, reason, since }: Row): KnownCertificate {
  if (!reason || !since) return { status: 'good', notAfter, seq };
  return { status: 'revoked', revocationTime: since, reason, notAfter, seq };
}
