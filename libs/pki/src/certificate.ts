import { randomBytes, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import { bitString, explicit, integer, integerOctets, sequence, time } from './der.js';
import {
  authorityInfoAccess,
  authorityKeyIdentifier,
  basicConstraints,
  certificatePolicies,
  crlDistributionPoints,
  emailAltName,
  keyUsage,
  rfc822NameOf,
  subjectDirectoryAttributes,
  subjectKeyIdentifier,
  uuidAltName,
} from './extensions.js';
import {
  algorithmOf,
  keyIdentifier,
  keyKind,
  maxSignatureBytes,
  placeholderKey,
  SIGNATURE_ALGORITHMS,
  spkiOf,
  type KeyKind,
  type SignatureAlgorithm,
} from './keys.js';
import { encodeName, NAME_ORDER, type Name } from './names.js';
import { OID } from './oids.js';
import type { Profile } from './profiles.js';
import type { Signer } from './signer.js';

/** Where what an issuer publishes is found; certificates name these. http, plain ASCII. */
export interface IssuerUrls {
  /** One DistributionPoint each, in this order: room for a partition before the complete list. */
  readonly crl: readonly string[];
  readonly caIssuers?: string;
  readonly ocsp?: string;
}

export interface Issuer {
  /** The subject of the issuer's certificate, DER as it stands there. */
  readonly nameDer: Buffer;
  readonly ski: Buffer;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly urls: IssuerUrls;
}

export interface CertificateParams {
  /** As `newSerial` makes them; in the database before it is in a signature. */
  readonly serial: string;
  readonly issuer: Issuer | 'self';
  readonly subject: Name;
  readonly publicKey: KeyObject;
  /** Whole seconds. */
  readonly notBefore: Date;
  /** Whole seconds, see `notAfterFor`. */
  readonly notAfter: Date;
  /** In place of the profile's. */
  readonly policies?: readonly string[];
  /** 統一編號, eight digits. */
  readonly ubn?: string;
  readonly subjectType?: string;
  readonly cardRank?: 'primary' | 'secondary';
  /** Goes into the certificate when it can (`rfc822NameOf`). */
  readonly email?: string;
  /** The GUID of the card's CHUID, lower case with hyphens. */
  readonly cardUuid?: string;
}

/** Invariant 1: 16 octets, the first 01–7F, so that it is positive and always the same length. */
export const SERIAL = /^(?!00)[0-7][0-9A-F]{31}$/;

/** 126 random bits and more, from the CSPRNG, as 32 upper-case hex digits. */
export function newSerial(): string {
  for (;;) {
    const octets = randomBytes(16);
    if (octets[0]! >= 0x01 && octets[0]! <= 0x7f) return octets.toString('hex').toUpperCase();
  }
}

/**
 * The TBSCertificate (RFC 5280 §4.1) that will be signed: stored and linted before the signature.
 *
 * @throws CaError subjectInvalid, certificateLint
 */
export function buildTbs(profile: Profile, params: CertificateParams): Buffer {
  checkParams(profile, params);
  const subject = encodeName(params.subject);
  const spki = spkiOf(params.publicKey);
  const ski = keyIdentifier(spki);
  const issuer = params.issuer === 'self' ? { nameDer: subject, ski } : params.issuer;
  const signature = SIGNATURE_ALGORITHMS[signedWith(params)].identifier;
  return sequence(
    explicit(0, integer(2)),
    integerOctets(Buffer.from(params.serial, 'hex')),
    signature,
    issuer.nameDer,
    sequence(time(params.notBefore), time(params.notAfter)),
    subject,
    spki,
    explicit(3, sequence(...extensions(profile, params, ski, issuer.ski))),
  );
}

/** The algorithm the issuer's key signs with. */
export function signedWith(params: Pick<CertificateParams, 'issuer' | 'publicKey'>): SignatureAlgorithm {
  return algorithmOf(params.issuer === 'self' ? params.publicKey : params.issuer.publicKey);
}

function checkParams(profile: Profile, params: CertificateParams): void {
  const { serial, subject, ubn, publicKey } = params;
  const refuse = (problem: string) => new CaError('certificateLint', problem, { problems: [problem] });
  if (!SERIAL.test(serial)) throw refuse('the serial is not 16 octets, the first 01–7F');
  const kind = keyKind(publicKey);
  if (kind === undefined || !profile.keys.includes(kind))
    throw refuse(`${profile.name} takes no ${kind ?? 'such'} key`);
  for (const field of profile.subject.required) if (subject[field] === undefined) throw invalid(field, 'missing');
  const known: readonly (keyof Name)[] = [...profile.subject.required, ...profile.subject.optional];
  for (const field of NAME_ORDER)
    if (subject[field] !== undefined && !known.includes(field)) throw invalid(field, 'not in this profile');
  if (ubn !== undefined && !/^\d{8}$/.test(ubn)) throw invalid('ubn', 'not eight digits');
  if (ubn !== undefined && subject.serialNumber !== undefined && ubn !== subject.serialNumber) {
    throw invalid('serialNumber', 'the name and the directory attributes give two business numbers');
  }
  if (profile.altName === 'cardUuid' && params.cardUuid === undefined) throw invalid('cardUuid', 'missing');
}

const invalid = (field: string, problem: string) =>
  new CaError('subjectInvalid', `${field}: ${problem}`, { field, problem });

function extensions(profile: Profile, params: CertificateParams, ski: Buffer, issuerSki: Buffer): Buffer[] {
  const list = [authorityKeyIdentifier(issuerSki), subjectKeyIdentifier(ski), keyUsage(profile.keyUsage)];
  if (profile.ca) list.push(basicConstraints(profile.ca.pathLength));
  const policies = params.policies ?? profile.policies;
  if (policies.length > 0) list.push(certificatePolicies(policies));
  const attributes = directoryAttributes(profile, params);
  if (attributes.length > 0) list.push(subjectDirectoryAttributes(attributes));
  const mailbox = profile.altName === 'rfc822Name' && params.email !== undefined && rfc822NameOf(params.email);
  if (mailbox) list.push(emailAltName(mailbox));
  if (profile.altName === 'cardUuid') list.push(uuidAltName(params.cardUuid!));
  return params.issuer === 'self' ? list : [...list, ...pointers(profile, params.issuer.urls)];
}

/** In the order they stand in the certificate; those not given are left out. */
export function directoryAttributes(profile: Profile, params: CertificateParams): [type: string, value: string][] {
  if (!profile.directoryAttributes) return [];
  const all: [string, string | undefined][] = [
    [OID.subjectType, params.subjectType],
    [OID.cardRank, params.cardRank],
    [OID.unifiedBusinessNumber, params.ubn],
  ];
  return all.filter((pair): pair is [string, string] => pair[1] !== undefined);
}

function pointers({ names }: Profile, urls: IssuerUrls): Buffer[] {
  const access = { caIssuers: names.caIssuers ? urls.caIssuers : undefined, ocsp: names.ocsp ? urls.ocsp : undefined };
  return [
    ...(names.crl && urls.crl.length > 0 ? [crlDistributionPoints(urls.crl)] : []),
    ...(access.caIssuers !== undefined || access.ocsp !== undefined ? [authorityInfoAccess(access)] : []),
  ];
}

/**
 * The certificate: TBS bytes as they were stored, signed.
 *
 * @throws CaError signerUnavailable
 */
export async function signTbs(tbs: Buffer, signer: Signer): Promise<Buffer> {
  const signature = await signer.sign(tbs);
  return sequence(tbs, SIGNATURE_ALGORITHMS[signer.algorithm].identifier, bitString(signature));
}

/**
 * The most octets the certificate can have, before there is a key or a serial: a card's container is small and a name
 * that doesn't fit must be refused before anything is signed (CARDS.md §1).
 *
 * @throws CaError subjectInvalid, certificateLint
 */
export function estimateCertificateBytes(
  profile: Profile,
  params: Omit<CertificateParams, 'serial' | 'publicKey'>,
  kind: KeyKind,
): number {
  const publicKey = placeholderKey(kind);
  const tbs = buildTbs(profile, { ...params, publicKey, serial: '7F'.repeat(16) });
  const signingKey = params.issuer === 'self' ? publicKey : params.issuer.publicKey;
  const algorithm = SIGNATURE_ALGORITHMS[algorithmOf(signingKey)].identifier;
  return sequence(tbs, algorithm, bitString(Buffer.alloc(maxSignatureBytes(signingKey)))).length;
}
