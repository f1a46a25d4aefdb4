import type { KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import {
  algorithmOf,
  authorityKeyIdentifier,
  encodeName,
  explicit,
  extension,
  integer,
  integerOctets,
  keyIdentifier,
  keyKind,
  keyUsage,
  nothing,
  oid,
  SERIAL,
  sequence,
  SIGNATURE_ALGORITHMS,
  spkiOf,
  subjectKeyIdentifier,
  time,
  type Issuer,
  type KeyKind,
  type Name,
} from '#libs/pki';
import { OCSP_OID } from './oids.js';

export const DELEGATE_KEYS: readonly KeyKind[] = ['rsa-2048', 'p-256'];
/** Nobody can revoke a certificate with ocsp-nocheck, so it lives shortly (RFC 6960 §4.2.2.2.1). */
export const DELEGATE_LIFE_DAYS = 30;
const DAY_MS = 86_400_000;

/** What must be known of the CA that issues a delegate's certificate. */
export type DelegateIssuer = Pick<Issuer, 'nameDer' | 'ski' | 'notAfter' | 'publicKey'>;

export interface DelegateParams {
  /** As `newSerial` makes them; in the database before it is in a signature. */
  readonly serial: string;
  readonly issuer: DelegateIssuer;
  readonly subject: Name;
  readonly publicKey: KeyObject;
  /** Whole seconds. */
  readonly notBefore: Date;
}

/** The last second of a delegate's life, never later than its issuer's. */
export function delegateNotAfter({ notBefore, issuer }: Pick<DelegateParams, 'notBefore' | 'issuer'>): Date {
  const wanted = new Date(notBefore.getTime() + DELEGATE_LIFE_DAYS * DAY_MS - 1_000);
  return wanted <= issuer.notAfter ? wanted : issuer.notAfter;
}

/**
 * The TBSCertificate of an OCSP delegate (DOMAIN.md §3, RFC 6960 §4.2.2.2): critical keyUsage digitalSignature, EKU
 * OCSPSigning, ocsp-nocheck, at most 30 days. To be stored and linted (`lintDelegate`), then signed with `signTbs`.
 *
 * @throws CaError certificateLint | subjectInvalid
 */
export function buildDelegateTbs(params: DelegateParams): Buffer {
  const { serial, issuer, subject, publicKey, notBefore } = params;
  const refuse = (problem: string) => new CaError('certificateLint', problem, { problems: [problem] });
  if (!SERIAL.test(serial)) throw refuse('the serial is not 16 octets, the first 01–7F');
  const kind = keyKind(publicKey);
  if (kind === undefined || !DELEGATE_KEYS.includes(kind)) throw refuse(`a delegate takes no ${kind ?? 'such'} key`);
  const spki = spkiOf(publicKey);
  return sequence(
    explicit(0, integer(2)),
    integerOctets(Buffer.from(serial, 'hex')),
    SIGNATURE_ALGORITHMS[algorithmOf(issuer.publicKey)].identifier,
    issuer.nameDer,
    sequence(time(notBefore), time(delegateNotAfter(params))),
    encodeName(subject),
    spki,
    explicit(
      3,
      sequence(
        authorityKeyIdentifier(issuer.ski),
        subjectKeyIdentifier(keyIdentifier(spki)),
        keyUsage(['digitalSignature']),
        extension(OCSP_OID.extendedKeyUsage, false, sequence(oid(OCSP_OID.ocspSigning))),
        extension(OCSP_OID.noCheck, false, nothing()),
      ),
    ),
  );
}
