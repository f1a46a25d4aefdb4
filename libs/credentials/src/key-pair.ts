import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { createOnce, replaceFile } from './secret-file.js';

/** A public key as others may have it; `kid` is its thumbprint (RFC 7638). */
export type PublicJwk = JWK & { kid: string };

export interface KeyPair {
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  /** Shows nothing of itself when logged. */
  readonly privateKey: KeyObject;
}

/**
 * A key pair in a file: the private JWK at `path` (0600), the public one at `<path>.pub`. Made when it doesn't exist.
 * P-256 is for what is sealed to its owner (`sealFor`), Ed25519 for what its owner signs (PIN jobs).
 *
 * @throws Error  naming the file, never showing its content
 */
export async function ensureKeyPair(path: string, curve: 'P-256' | 'Ed25519' = 'P-256'): Promise<KeyPair> {
  createOnce(path, () => JSON.stringify(newPrivateKey(curve).export({ format: 'jwk' })));
  const pair = await readKeyPair(path, curve);
  replaceFile(`${path}.pub`, `${JSON.stringify(pair.publicJwk, null, 2)}\n`);
  return pair;
}

/** The same of a file that must be there, in a folder that may be read-only. @throws Error naming the file */
export async function readKeyPair(path: string, curve: 'P-256' | 'Ed25519'): Promise<KeyPair> {
  const { d, ...rest } = readJson(path) as JWK;
  if (d === undefined) throw new Error(`${path} holds no private key`);
  const publicJwk = await withKid(rest, path);
  if (publicJwk.crv !== curve) throw new Error(`${path} is not a ${curve} key`);
  return { kid: publicJwk.kid, publicJwk, privateKey: importPrivate({ ...rest, d }, path) };
}

/** The public key another service left for us. @throws Error naming the file */
export async function readPublicJwk(path: string): Promise<PublicJwk> {
  const { kty, crv, x, y } = readJson(path);
  return withKid({ kty, crv, x, ...(y !== undefined && { y }) } as JWK, path);
}

function newPrivateKey(curve: 'P-256' | 'Ed25519'): KeyObject {
  if (curve === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
}

async function withKid(jwk: JWK, path: string): Promise<PublicJwk> {
  try {
    return { ...jwk, kid: await calculateJwkThumbprint(jwk) };
  } catch {
    throw new Error(`${path} is not a JWK`);
  }
}

/** The parser's own message would quote the file, so no cause is kept here. */
function readJson(path: string): Record<string, unknown> {
  const text = readFileSync(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Falls through: what is left is no object.
  }
  if (typeof value !== 'object' || value === null) throw new Error(`${path} is not a JWK`);
  return value as Record<string, unknown>;
}

function importPrivate(jwk: JWK, path: string): KeyObject {
  try {
    return createPrivateKey({ key: jwk as never, format: 'jwk' });
  } catch {
    throw new Error(`${path} is not a JWK`);
  }
}
