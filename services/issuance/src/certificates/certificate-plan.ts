import { createPublicKey, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import {
  type Authority,
  type CaCertificate,
  type CertificateParams,
  estimateCertificateBytes,
  notAfterFor,
  type Profile,
  PROFILES,
} from '#libs/pki';
import type { CardAlgorithm, Slot } from '#libs/piv';
import { type Applicant, businessParams } from './subject.js';

/** What a card's three certificates are, and which key each has (CARDS.md §1). 9E comes first: it proves the card. */
export const CARD_CERTIFICATES = {
  '9E': { profile: PROFILES.cardAuthentication, ca: 'card', algorithm: 'p-256' },
  '9C': { profile: PROFILES.businessCardSignature, ca: 'issuing', algorithm: 'rsa-2048' },
  '9D': { profile: PROFILES.businessCardEncryption, ca: 'issuing', algorithm: 'rsa-2048' },
} as const satisfies Record<Slot, { profile: Profile; ca: 'card' | 'issuing'; algorithm: CardAlgorithm }>;
export const CARD_SLOTS = Object.keys(CARD_CERTIFICATES) as Slot[];

/** Whom the certificates of a card are for. */
export interface CardHolder {
  readonly cardNumber: string;
  readonly cardUuid: string;
  readonly applicant: Applicant;
}

export interface Validity {
  /** Whole seconds, both. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export const issuerOf = (slot: Slot, authority: Authority): CaCertificate => authority[CARD_CERTIFICATES[slot].ca];

/** Five years to the end of that Taipei day, the same for all three, and never later than either issuer's own end. */
export function cardValidity(authority: Authority, notBefore: Date): Validity {
  const ends = CARD_SLOTS.map((slot) => {
    const { profile } = CARD_CERTIFICATES[slot];
    return notAfterFor(profile, notBefore, issuerOf(slot, authority).notAfter).getTime();
  });
  return { notBefore, notAfter: new Date(Math.min(...ends)) };
}

type Unkeyed = Omit<CertificateParams, 'serial' | 'publicKey'>;

function unkeyedParams(slot: Slot, holder: CardHolder, validity: Validity, authority: Authority): Unkeyed {
  const { cardNumber, cardUuid, applicant } = holder;
  const issuer = issuerOf(slot, authority);
  const { notBefore, notAfter } = validity;
  const own = slot === '9E' ? { subject: { CN: cardNumber }, cardUuid } : businessParams(applicant);
  return { ...own, issuer, notBefore, notAfter };
}

export function certificateParams(
  slot: Slot,
  holder: CardHolder,
  validity: Validity,
  authority: Authority,
  own: { serial: string; publicKey: KeyObject },
): CertificateParams {
  return { ...unkeyedParams(slot, holder, validity, authority), ...own };
}

/** Before a serial is drawn or anything is signed. @throws CaError certificateTooLarge | subjectInvalid */
export function checkFits(holder: CardHolder, validity: Validity, authority: Authority, maxCertBytes: number): void {
  for (const slot of CARD_SLOTS) {
    const { profile, algorithm } = CARD_CERTIFICATES[slot];
    const bytes = estimateCertificateBytes(profile, unkeyedParams(slot, holder, validity, authority), algorithm);
    if (bytes <= maxCertBytes) continue;
    const problem = `the certificate of ${slot} would have ${bytes} octets, this card takes ${maxCertBytes}`;
    throw new CaError('certificateTooLarge', problem, { slot, maxCertBytes });
  }
}

export const publicKeyOf = (spki: Buffer): KeyObject => createPublicKey({ key: spki, format: 'der', type: 'spki' });
