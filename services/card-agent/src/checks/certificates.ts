import { X509Certificate } from 'node:crypto';
import type { CardReading } from '../card-facts.js';
import type { CERTIFICATE_HINTS } from './check-texts.js';

export type CertificateProblem = keyof typeof CERTIFICATE_HINTS;

/**
 * What is wrong with a card's two business certificates, as far as a machine at a counter can tell.
 *
 * Not done here: whether they are revoked, and whether they are the centre's record of this card; both are the server's.
 *
 * @param issuers DER certificates of the centre's CAs; none: only that both certificates have the same issuer
 */
export function certificateProblem(
  { signatureCertificate, encryptionCertificate, facts }: CardReading,
  now: Date,
  issuers: readonly Buffer[],
): CertificateProblem | undefined {
  const both = [signatureCertificate, encryptionCertificate].map((der) => new X509Certificate(der));
  const [signature, encryption] = both as [X509Certificate, X509Certificate];
  const valid = [facts.signature, facts.encryption].every(
    ({ notBefore, notAfter }) => notBefore <= now && now <= notAfter,
  );
  if (!valid) return 'expired';
  if (facts.encryptionHolder.name !== facts.name || facts.encryptionHolder.ubn !== facts.ubn) return 'twoHolders';
  if (issuers.length === 0) return signature.issuer === encryption.issuer ? undefined : 'chain';
  const known = issuers.map((der) => new X509Certificate(der));
  const issued = (certificate: X509Certificate) =>
    known.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  return both.every(issued) ? undefined : 'chain';
}
