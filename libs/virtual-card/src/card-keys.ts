import {
  constants,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPair,
  type KeyObject,
  privateEncrypt,
} from 'node:crypto';
import { promisify } from 'node:util';
import { p256 } from '@noble/curves/nist.js';
import { ALGORITHMS, tlv } from '#libs/piv';

const generate = promisify(generateKeyPair);

export interface StoredKey {
  algorithm: number;
  /** Base64; empty when the card has erased the key */
  pkcs8: string;
}

/** A new key pair: what the card keeps, and the public key as GENERATE answers it; undefined for other algorithms. */
export async function newKey(algorithm: number): Promise<{ stored: StoredKey; answer: Buffer } | undefined> {
  const pair = await pairOf(algorithm);
  if (!pair) return undefined;
  const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return { stored: { algorithm, pkcs8 }, answer: tlv(0x7f49, publicTemplate(pair.publicKey)) };
}

/** What GENERATE answered for it, without its 7F49. */
export function publicTemplateOf(stored: StoredKey): Buffer {
  return publicTemplate(createPublicKey(privateKeyOf(stored)));
}

/** The key agreement of P-256 with the other side's point, uncompressed; undefined when it is none (appendix A.5). */
export function sharedSecret(stored: StoredKey, point: Buffer): Buffer | undefined {
  if (stored.algorithm !== ALGORITHMS['p-256'] || point.length !== 65) return undefined;
  try {
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
    return diffieHellman({ privateKey: privateKeyOf(stored), publicKey });
  } catch {
    return undefined; // not on the curve
  }
}

/** The private-key operation on what the host prepared; undefined when its length does not fit the key. */
export function privateOperation(stored: StoredKey, input: Buffer): Buffer | undefined {
  const { algorithm } = stored;
  const key = privateKeyOf(stored);
  if (algorithm === ALGORITHMS['p-256']) return input.length === 32 ? signDigest(key, input) : undefined;
  if (input.length !== 256) return undefined;
  try {
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, input);
  } catch {
    return undefined; // a number not below the modulus
  }
}

const privateKeyOf = ({ pkcs8 }: StoredKey) =>
  createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });

async function pairOf(algorithm: number): Promise<{ privateKey: KeyObject; publicKey: KeyObject } | undefined> {
  if (algorithm === ALGORITHMS['rsa-2048']) return generate('rsa', { modulusLength: 2048 });
  if (algorithm === ALGORITHMS['p-256']) return generate('ec', { namedCurve: 'P-256' });
  return undefined;
}

function publicTemplate(key: KeyObject): Buffer {
  const { n = '', e = '', x = '', y = '' } = key.export({ format: 'jwk' });
  const octets = (text: string) => Buffer.from(text, 'base64url');
  if (n) return Buffer.concat([tlv(0x81, octets(n)), tlv(0x82, octets(e))]);
  return tlv(0x86, Buffer.of(0x04), octets(x), octets(y));
}

/** A PIV card is given the digest (SP 800-73-5 part 2, A.4.2), and node:crypto signs whole messages only. */
function signDigest(key: KeyObject, digest: Buffer): Buffer {
  const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  return Buffer.from(p256.sign(digest, secret, { prehash: false, lowS: false, format: 'der' }));
}
