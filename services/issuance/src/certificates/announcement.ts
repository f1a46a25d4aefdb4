import { CaError } from '#libs/errors';
import type { EventData } from '#libs/events';
import { rfc822NameOf } from '#libs/pki';
import type { Slot } from '#libs/piv';
import type { SlotCertificate } from './certificate-issuer.js';
import type { CardHolder } from './certificate-plan.js';
import { businessParams, rfc4514 } from './subject.js';

/** Certificates of all three slots, signed. */
export type CompleteCard = Record<Slot, SlotCertificate & { der: Buffer }>;

/** @throws CaError conflict when a certificate is not on the card yet */
export function completeCard(certificates: readonly SlotCertificate[]): CompleteCard {
  const written = certificates.filter((c) => c.state === 'written' && c.der);
  if (written.length !== 3) throw new CaError('conflict', 'not every certificate of this card is on the card');
  return Object.fromEntries(written.map((c) => [c.slot, c])) as CompleteCard;
}

/** What the other services are told of an issued card: of the same card always the same. */
export function announcementOf(
  { cardNumber, cardUuid, applicant, way }: CardHolder & { readonly way: 'A' | 'B' },
  slots: CompleteCard,
  issuerSki: string,
): EventData<'certificate.issued'> {
  const { name, ubn, rank, certificateEmail } = applicant;
  const email = certificateEmail ? rfc822NameOf(certificateEmail) : undefined;
  const base64 = (slot: Slot) => slots[slot].der.toString('base64');
  return {
    ...{ cardNumber, cardUuid, way, name, ubn, rank, ...(email && { email }) },
    serials: { signature: slots['9C'].serial, encryption: slots['9D'].serial },
    issuerSki,
    subject: rfc4514(businessParams(applicant).subject),
    notBefore: slots['9C'].notBefore.toISOString(),
    notAfter: slots['9C'].notAfter.toISOString(),
    certificates: { signature: base64('9C'), encryption: base64('9D'), cardAuthentication: base64('9E') },
  };
}
