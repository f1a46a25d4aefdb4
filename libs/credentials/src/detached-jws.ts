import { decodeProtectedHeader, errors, FlattenedSign, flattenedVerify, type JWK } from 'jose';
import { type KeyPair, type PublicJwk } from './key-pair.js';

/** An RSA-4096 signature with its header has about 800 characters. */
const MAX_CHARACTERS = 2_048;
const FORM = /^([\w-]+)\.\.([\w-]+)$/;

/** What a key signs with: its kind decides, never the header of what is to be verified (RFC 8725 §3.1). */
const ALGORITHMS: Record<string, string[]> = {
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
  RSA: ['PS256', 'RS256'],
};

/** The JWS algorithms of a key; none for a kind that is not taken here. */
export function signingAlgorithms({ kty, crv }: JWK): string[] {
  const kind = [kty, crv].filter((part) => part !== undefined).join(' ');
  return Object.hasOwn(ALGORITHMS, kind) ? ALGORITHMS[kind]! : [];
}

/**
 * Signs octets that travel beside their signature (RFC 7515 appendix F), not encoded for it (RFC 7797 §3).
 *
 * @returns `<header>..<signature>`; the header names the key by its thumbprint (RFC 7638)
 */
export async function signDetached({ kid, publicJwk, privateKey }: KeyPair, octets: Uint8Array): Promise<string> {
  const [alg] = signingAlgorithms(publicJwk);
  const jws = await new FlattenedSign(octets)
    .setProtectedHeader({ alg: alg!, kid, b64: false, crit: ['b64'] })
    .sign(privateKey);
  return `${jws.protected}..${jws.signature}`;
}

/** Which key is said to have signed; undefined when this is no detached JWS. Nothing is verified. */
export function claimedKey(signature: string): string | undefined {
  if (signature.length > MAX_CHARACTERS || !FORM.test(signature)) return undefined;
  try {
    const { kid } = decodeProtectedHeader(signature);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the signature is this key's over these octets. Takes both forms: octets as they are, and base64url. */
export async function verifiesDetached(jwk: PublicJwk, signature: string, octets: Uint8Array): Promise<boolean> {
  const [, header, value] = (signature.length <= MAX_CHARACTERS && FORM.exec(signature)) || [];
  if (header === undefined || value === undefined) return false;
  try {
    const encoded = decodeProtectedHeader(signature)['b64'] !== false;
    const payload = encoded ? Buffer.from(octets).toString('base64url') : octets;
    const algorithms = signingAlgorithms(jwk);
    await flattenedVerify({ protected: header, payload, signature: value }, jwk, { algorithms });
    return true;
  } catch (error) {
    // jose says TypeError to a header that is no JSON.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false;
    throw error;
  }
}
