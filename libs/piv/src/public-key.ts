import { createPublicKey, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import { requireTlv } from './tlv.js';

/** Key algorithms of SP 800-78-5, by their identifier in P1 and in the 80 element of GENERATE. */
export const ALGORITHMS = { 'rsa-2048': 0x07, 'p-256': 0x11 } as const;
export type CardAlgorithm = keyof typeof ALGORITHMS;

const P256_POINT_BYTES = 65;

/**
 * The public key that GENERATE ASYMMETRIC KEY PAIR answers: `7F49 { 81 modulus, 82 exponent }` or `{ 86 point }`.
 *
 * @throws CaError cardCommunication
 */
export function generatedKey(answer: Uint8Array, algorithm: CardAlgorithm): KeyObject {
  const template = requireTlv(answer, 0x7f49);
  try {
    const key = createPublicKey({ format: 'jwk', key: algorithm === 'rsa-2048' ? rsa(template) : p256(template) });
    if (algorithmOf(key) === algorithm) return key;
  } catch (cause) {
    throw cause instanceof CaError && cause.code === 'cardCommunication' ? cause : notTheKey(algorithm, cause);
  }
  throw notTheKey(algorithm);
}

function rsa(template: Uint8Array) {
  const [n, e] = [requireTlv(template, 0x81), requireTlv(template, 0x82)];
  return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
}

/** OpenSSL refuses a point that is not on the curve. */
function p256(template: Uint8Array) {
  const point = requireTlv(template, 0x86);
  if (point.length !== P256_POINT_BYTES || point[0] !== 0x04) throw notTheKey('p-256');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  return { kty: 'EC', crv: 'P-256', x, y };
}

const notTheKey = (algorithm: CardAlgorithm, cause?: unknown) =>
  new CaError('cardCommunication', `the card’s new key is not one of ${algorithm}`, {}, { cause });

/**
 * The card's algorithm for a certificate's key.
 *
 * @throws CaError unknownCardKind when our cards have no such key
 */
export function algorithmOf(key: KeyObject): CardAlgorithm {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' && modulusLength === 2048) return 'rsa-2048';
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'p-256';
  throw new CaError('unknownCardKind', 'a certificate on this card has a key of another kind than ours');
}
