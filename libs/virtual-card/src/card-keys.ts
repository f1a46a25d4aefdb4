import { constants, createECDH, createPrivateKey, generateKeyPair, type KeyObject, privateEncrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { ALGORITHMS, tlv } from '#libs/piv';

const generate = promisify(generateKeyPair);

export interface StoredKey {
  algorithm: number;
  pkcs8: string;
}

/** A new key pair: what the card keeps, and the public key as GENERATE answers it; undefined for other algorithms. */
export async function newKey(algorithm: number): Promise<{ stored: StoredKey; answer: Buffer } | undefined> {
  const pair = await pairOf(algorithm);
  if (!pair) return undefined;
  const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return { stored: { algorithm, pkcs8 }, answer: tlv(0x7f49, publicTemplate(pair.publicKey)) };
}

/** The private-key operation on what the host prepared; undefined when its length does not fit the key. */
export function privateOperation({ algorithm, pkcs8 }: StoredKey, input: Buffer): Buffer | undefined {
  const key = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  if (algorithm === ALGORITHMS['p-256']) return input.length === 32 ? signDigest(key, input) : undefined;
  if (input.length !== 256) return undefined;
  try {
    return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, input);
  } catch {
    return undefined; // a number not below the modulus
  }
}

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

/** n of P-256, SP 800-186 §3.2.1.3. */
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

/**
 * ECDSA over a digest (FIPS 186-5 §6.4.1): a PIV card is given the digest, and node:crypto signs whole messages only.
 * The per-message secret and its point are OpenSSL's, through a one-use ECDH key; left to do is s = k⁻¹ (e + r d) mod n,
 * here in variable time: this is a pretended card with a pretended secret.
 */
function signDigest(key: KeyObject, digest: Buffer): Buffer {
  const d = number(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  for (;;) {
    const once = createECDH('prime256v1');
    const point = once.generateKeys();
    const r = number(point.subarray(1, 33)) % ORDER;
    const s = (inverse(number(once.getPrivateKey())) * (number(digest) + r * d)) % ORDER;
    if (r !== 0n && s !== 0n) return tlv(0x30, derInteger(r), derInteger(s));
  }
}

const number = (octets: Buffer) => BigInt(`0x${octets.toString('hex')}`);

/** By Fermat: n is prime. */
function inverse(value: bigint): bigint {
  let result = 1n;
  let power = value % ORDER;
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * power) % ORDER;
    power = (power * power) % ORDER;
  }
  return result;
}

function derInteger(value: bigint): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  return (octets[0] ?? 0) & 0x80 ? tlv(0x02, Buffer.of(0), octets) : tlv(0x02, octets);
}
