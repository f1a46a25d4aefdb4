import type { KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock, toWholeSeconds } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type Authority, buildTbs, lint, newSerial, signTbs, spkiOf } from '#libs/pki';
import type { Slot } from '#libs/piv';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import {
  CARD_CERTIFICATES,
  CARD_SLOTS,
  type CardHolder,
  cardValidity,
  certificateParams,
  checkFits,
  issuerOf,
  publicKeyOf,
  type Validity,
} from './certificate-plan.js';

export type SlotKeys = Readonly<Record<Slot, KeyObject>>;

/** A certificate that is meant for a slot and was not given up. */
export interface SlotCertificate {
  readonly serial: string;
  readonly slot: Slot;
  readonly state: 'intended' | 'signed' | 'written';
  readonly spki: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly tbs: Buffer;
  readonly der: Buffer | null;
}

/**
 * The one place where certificates are issued. A serial and the exact bytes to be signed are committed before a
 * signature exists (invariant 1), and a slot never has two certificates unless the first is on record as abandoned.
 */
@Injectable()
export class CertificateIssuer {
  private readonly authority: Authority;

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    @Inject(ISSUANCE_CONFIG) { authority }: Pick<IssuanceConfig, 'authority'>,
  ) {
    this.authority = authority;
  }

  /**
   * Before anything is done with a card: whether all three would fit into its containers.
   *
   * @throws CaError certificateTooLarge, naming the slot | subjectInvalid
   */
  mustFit(holder: CardHolder, maxCertBytes: number): void {
    checkFits(holder, cardValidity(this.authority, toWholeSeconds(this.clock.now())), this.authority, maxCertBytes);
  }

  /**
   * Commits what the three certificates of a card will be. The same keys find the same serials and bytes again; if a
   * key on the card is another one, all three are abandoned and made anew, so that they begin and end together.
   *
   * @throws CaError certificateTooLarge | subjectInvalid | certificateLint | conflict (the card is issued already)
   */
  async intend(holder: CardHolder, keys: SlotKeys, maxCertBytes: number): Promise<void> {
    const validity = cardValidity(this.authority, toWholeSeconds(this.clock.now()));
    checkFits(holder, validity, this.authority, maxCertBytes);
    await this.source.transaction(async (tx) => {
      await lockForProduction(tx, holder.cardNumber);
      const present = await this.ofCard(holder.cardNumber, tx);
      if (CARD_SLOTS.every((slot) => present.some((c) => c.slot === slot && c.spki.equals(spkiOf(keys[slot]))))) return;
      await this.abandon(tx, present);
      for (const slot of CARD_SLOTS) await this.store(tx, slot, holder, validity, keys[slot]);
    });
  }

  /**
   * The certificate of a slot, signed from the stored bytes unless that was done before.
   *
   * @returns DER as it stands in the database
   * @throws CaError signerUnavailable | certificateLint
   */
  async sign(holder: CardHolder, slot: Slot): Promise<Buffer> {
    const intended = await this.ofSlot(holder.cardNumber, slot);
    if (intended.der) return intended.der;
    const { serial, spki, tbs } = intended;
    const params = certificateParams(slot, holder, intended, this.authority, { serial, publicKey: publicKeyOf(spki) });
    const { profile } = CARD_CERTIFICATES[slot];
    lint(tbs, profile, params);
    const der = await signTbs(tbs, await issuerOf(slot, this.authority).signer());
    lint(der, profile, params);
    await this.source.query(
      `update certificate set state = 'signed', der = $2, signed_at = $3 where serial = $1 and state = 'intended'`,
      [serial, der, this.clock.now()],
    );
    // Another process may have been first: only what is stored goes anywhere.
    const stored = await this.ofSlot(holder.cardNumber, slot);
    if (stored.serial !== serial || !stored.der)
      throw new CaError('conflict', 'this certificate was given up meanwhile');
    return stored.der;
  }

  /** The card holds it, and it was read back. */
  async written(cardNumber: string, slot: Slot): Promise<void> {
    await this.source.query(
      `update certificate set state = 'written' where card_number = $1 and slot = $2 and state = 'signed'`,
      [cardNumber, slot],
    );
  }

  /** Those not abandoned. */
  async ofCard(cardNumber: string, tx: EntityManager | DataSource = this.source): Promise<SlotCertificate[]> {
    return tx.query<SlotCertificate[]>(
      `select serial, slot, state, spki, not_before as "notBefore", not_after as "notAfter", tbs, der
       from certificate where card_number = $1 and state <> 'abandoned' order by slot`,
      [cardNumber],
    );
  }

  private async ofSlot(cardNumber: string, slot: Slot): Promise<SlotCertificate> {
    const found = (await this.ofCard(cardNumber)).find((certificate) => certificate.slot === slot);
    if (!found) throw new CaError('conflict', `nothing is intended for slot ${slot} of this card`);
    return found;
  }

  private async abandon(tx: EntityManager, certificates: SlotCertificate[]): Promise<void> {
    await tx.query(`update certificate set state = 'abandoned', abandoned_at = $2 where serial = any($1)`, [
      certificates.map(({ serial }) => serial),
      this.clock.now(),
    ]);
  }

  private async store(
    tx: EntityManager,
    slot: Slot,
    holder: CardHolder,
    validity: Validity,
    publicKey: KeyObject,
  ): Promise<void> {
    const serial = newSerial();
    const params = certificateParams(slot, holder, validity, this.authority, { serial, publicKey });
    const { profile } = CARD_CERTIFICATES[slot];
    const tbs = buildTbs(profile, params);
    lint(tbs, profile, params);
    // A serial drawn twice would fail here, and the whole step be repeated with others.
    await tx.query('insert into serial (serial) values ($1)', [serial]);
    await tx.query(
      `insert into certificate
         (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, intended_at)
       values ($1, $2, $3, $4, 'intended', $5, $6, $7, $8, $9)`,
      [
        ...[serial, holder.cardNumber, slot, issuerOf(slot, this.authority).skiHex, spkiOf(publicKey)],
        ...[validity.notBefore, validity.notAfter, tbs, this.clock.now()],
      ],
    );
  }
}

/** Certificates of a card change only while the card is being made. */
async function lockForProduction(tx: EntityManager, cardNumber: string): Promise<void> {
  const rows = await tx.query<{ state: string }[]>('select state from card where card_number = $1 for update', [
    cardNumber,
  ]);
  if (rows[0]?.state !== 'assigned') throw new CaError('conflict', `card ${cardNumber} is not in production`);
}
