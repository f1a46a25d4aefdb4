import { CaError } from '#libs/errors';
import { explicit, octetString, readCertificate, type CertificateFacts, type Signer } from '#libs/pki';
import { delegateProblems } from './delegate-lint.js';

/** Who signs the answers about one issuer's certificates, ready for use. */
export interface Delegate {
  readonly signer: Signer;
  /** DER, in every answer. */
  readonly certificate: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The one CA this delegate speaks for (RFC 6960 §4.2.2.2). */
  readonly issuer: CertificateFacts;
  /** ResponderID byKey, DER: [2] EXPLICIT KeyHash, SHA-1 (RFC 6960 §4.2.1). */
  readonly responderId: Buffer;
}

/**
 * Checks what the issuing side sent before anything is signed with it: the certificate is the issuer's, of the
 * delegates' profile, and of this key.
 *
 * @throws CaError certificateLint with `problems` | signerUnavailable when the key is another one
 */
export function openDelegate(certificate: Uint8Array, issuer: CertificateFacts, signer: Signer): Delegate {
  const der = Buffer.from(certificate);
  const problems = delegateProblems(der, issuer);
  if (problems.length > 0) throw new CaError('certificateLint', `delegate: ${problems.join('; ')}`, { problems });
  const { notBefore, notAfter, publicKey, ski } = readCertificate(der);
  if (!signer.publicKey.equals(publicKey)) throw new CaError('signerUnavailable', 'the key is not the delegate’s');
  return {
    signer,
    certificate: der,
    notBefore,
    notAfter,
    issuer,
    responderId: explicit(2, octetString(ski)),
  };
}

export function isValidAt({ notBefore, notAfter }: Pick<Delegate, 'notBefore' | 'notAfter'>, now: Date): boolean {
  return notBefore <= now && now <= notAfter;
}

/** In the last third of its life: ten days in which the issuing side may be unreachable before answers stop. */
export function isRenewalDue({ notBefore, notAfter }: Pick<Delegate, 'notBefore' | 'notAfter'>, now: Date): boolean {
  return now.getTime() >= notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3;
}
