import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import { bitString, integerOctets, nothing, oid, sequence } from './der.js';
import { DerReader } from './der-reader.js';
import { OID } from './oids.js';

export type KeyKind = 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'p-256' | 'p-384';
export type SignatureAlgorithm = 'rsa-sha256' | 'ecdsa-sha256' | 'ecdsa-sha384';

/** For each: the hash, the AlgorithmIdentifier (RSA with NULL, RFC 4055 §5; ECDSA without, RFC 5758 §3.2). */
export const SIGNATURE_ALGORITHMS = {
  'rsa-sha256': { hash: 'sha256', identifier: sequence(oid(OID.sha256WithRsa), nothing()) },
  'ecdsa-sha256': { hash: 'sha256', identifier: sequence(oid(OID.ecdsaWithSha256)) },
  'ecdsa-sha384': { hash: 'sha384', identifier: sequence(oid(OID.ecdsaWithSha384)) },
} as const satisfies Record<SignatureAlgorithm, { hash: string; identifier: Buffer }>;

const CURVES: Record<string, KeyKind> = { prime256v1: 'p-256', secp384r1: 'p-384' };
const MODULI: Record<number, KeyKind> = { 2048: 'rsa-2048', 3072: 'rsa-3072', 4096: 'rsa-4096' };

/** What kind of key this is, or undefined for one this product never certifies (RSA exponents other than 65537 too). */
export function keyKind(key: KeyObject): KeyKind | undefined {
  const { modulusLength, publicExponent, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return CURVES[namedCurve ?? ''];
  return key.asymmetricKeyType === 'rsa' && publicExponent === 65537n ? MODULI[modulusLength ?? 0] : undefined;
}

/** @throws CaError signerUnavailable for keys that sign nothing here */
export function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const kind = keyKind(key);
  if (kind === undefined) throw new CaError('signerUnavailable', 'a key of this kind signs nothing here');
  if (kind === 'p-256') return 'ecdsa-sha256';
  return kind === 'p-384' ? 'ecdsa-sha384' : 'rsa-sha256';
}

/** The longest signature a key can make. An ECDSA one is a SEQUENCE of two numbers, each with a sign octet at most. */
export function maxSignatureBytes(key: KeyObject): number {
  const { modulusLength } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return modulusLength / 8;
  return keyKind(key) === 'p-384' ? 104 : 72;
}

const RSA_ENCRYPTION = sequence(oid(OID.rsaEncryption), nothing());
const EC_PUBLIC_KEY: Record<string, Buffer> = {
  'P-256': sequence(oid(OID.ecPublicKey), oid(OID.prime256v1)),
  'P-384': sequence(oid(OID.ecPublicKey), oid(OID.secp384r1)),
};

/**
 * SubjectPublicKeyInfo, DER (RFC 3279 §2.3.1, RFC 5480 §2.1.1). From the numbers: OpenSSL 3's own encoder takes twenty
 * times as long, more than everything else in a certificate.
 */
export function spkiOf(key: KeyObject): Buffer {
  const { n, e, crv, x, y } = key.export({ format: 'jwk' });
  const octets = (text: string | undefined) => Buffer.from(text!, 'base64url');
  if (n !== undefined) {
    return sequence(RSA_ENCRYPTION, bitString(sequence(integerOctets(octets(n)), integerOctets(octets(e)))));
  }
  return sequence(EC_PUBLIC_KEY[crv!]!, bitString(Buffer.concat([Buffer.of(4), octets(x), octets(y)])));
}

/** SHA-1 over the octets of the key's BIT STRING (RFC 5280 §4.2.1.2, method 1); also OCSP's issuerKeyHash. */
export function keyIdentifier(spki: Buffer): Buffer {
  const members = new DerReader(spki);
  members.enter(0x30);
  members.next(0x30);
  return createHash('sha1').update(members.content(0x03).subarray(1)).digest();
}

/** A public key of the right kind and size that belongs to nobody: for estimating sizes before a key exists. */
export function placeholderKey(kind: KeyKind): KeyObject {
  return createPublicKey({ key: PLACEHOLDERS[kind](), format: 'jwk' });
}

const rsaOf = (bits: number) => () => ({
  kty: 'RSA',
  e: 'AQAB',
  n: Buffer.alloc(bits / 8, 0xff).toString('base64url'),
});
const ecOf = (crv: string, x: string, y: string) => () => ({
  kty: 'EC',
  crv,
  x: Buffer.from(x, 'hex').toString('base64url'),
  y: Buffer.from(y, 'hex').toString('base64url'),
});

/** For the curves: their base points (SEC 2 §2.4.2, §2.5.1). */
const PLACEHOLDERS: Record<KeyKind, () => { kty: string } & Record<string, string>> = {
  'rsa-2048': rsaOf(2048),
  'rsa-3072': rsaOf(3072),
  'rsa-4096': rsaOf(4096),
  'p-256': ecOf(
    'P-256',
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296',
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  ),
  'p-384': ecOf(
    'P-384',
    'aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7',
    '3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f',
  ),
};
