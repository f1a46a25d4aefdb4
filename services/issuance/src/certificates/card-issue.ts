import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { sealCredential } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent, type SerialPair } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { NoticesService } from '../notices/notices.service.js';
import { announcementOf, completeCard } from './announcement.js';
import type { CardHolder } from './certificate-plan.js';
import { CertificateIssuer } from './certificate-issuer.js';

const FIRST_GENERATION = 1;

export interface HolderWithVerifier extends CardHolder {
  /** Of the user code chosen in the application (way A), or of the representative's ID and birth date (way B). */
  readonly verifier: string;
  readonly way: 'A' | 'B';
}

/** Tells the other services of a finished card: its certificates and its first verifier, in one transaction. */
@Injectable()
export class CardIssue {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly certificates: CertificateIssuer,
    private readonly notices: NoticesService,
    @Inject(ISSUANCE_CONFIG) private readonly config: IssuanceConfig,
  ) {}

  /** Repeating it changes nothing. @throws CaError conflict when a certificate is not on the card yet */
  async issue(holder: HolderWithVerifier): Promise<SerialPair> {
    const { cardNumber, way, verifier } = holder;
    const { acceptance, suspension } = this.config.credentialRecipients;
    const { issuing } = this.config.authority;
    // A representative proves himself at activation only, so nobody else gets that verifier.
    const recipients = way === 'A' ? [acceptance, suspension] : [acceptance];
    const kind = way === 'A' ? 'user-code' : 'representative';
    const generation = FIRST_GENERATION;
    const credential = await sealCredential(recipients, { cardNumber, kind, generation, verifier });
    return this.source.transaction(async (tx) => {
      // The row's lock comes before the outbox rows: ids of one card are then in commit order.
      const issued = await lock(tx, cardNumber);
      const slots = completeCard(await this.certificates.ofCard(cardNumber, tx));
      const serials = { signature: slots['9C'].serial, encryption: slots['9D'].serial };
      if (issued) return serials;
      const now = this.clock.now();
      await tx.query(
        `update card set state = 'issued', issued_at = $2, taken_by = null, taken_until = null where card_number = $1`,
        [cardNumber, now],
      );
      const facts = { source: 'issuance', now };
      const issuedNow = newEvent(
        'certificate.issued',
        cardNumber,
        announcementOf(holder, slots, issuing.skiHex),
        facts,
      );
      await this.outbox.add(tx, [issuedNow, newEvent('credential.set', cardNumber, { ...credential }, facts)]);
      await this.notices.issued(issuedNow, tx);
      return serials;
    });
  }
}

/** @returns whether the card was issued before */
async function lock(tx: EntityManager, cardNumber: string): Promise<boolean> {
  const [card] = await tx.query<{ state: string }[]>('select state from card where card_number = $1 for update', [
    cardNumber,
  ]);
  if (!card || card.state === 'blank') throw new CaError('conflict', `card ${cardNumber} is not in production`);
  return card.state !== 'assigned';
}
