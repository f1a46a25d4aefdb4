import type { KeyObject } from 'node:crypto';
import { type JSONWebKeySet, type JWK, SignJWT } from 'jose';
import type { Role } from './endpoint.js';

export const AUDIENCE = 'kaika';

/** The `iss` of tokens that services sign for themselves. */
export const SERVICE_ISSUER = 'urn:kaika:services';

/** An Ed25519 private key and the `kid` the key set knows it by. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** Signs a token: a service for itself, and the embedded default's own issuer for its demo users. */
export async function issueToken(
  key: SigningKey,
  {
    issuer,
    subject,
    roles,
    lifetimeSeconds,
  }: { issuer: string; subject: string; roles: readonly Role[]; lifetimeSeconds: number },
): Promise<string> {
  return new SignJWT({ roles })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(key.privateKey);
}

/**
 * The set that `KAIKA_SERVICE_JWKS_FILE` holds: each entry names the one service whose tokens that key may sign, so that
 * none passes itself off as another.
 *
 * @param keys public keys by the name of their service
 */
export function serviceKeySet(keys: Readonly<Record<string, JWK & { kid: string }>>): JSONWebKeySet {
  return { keys: Object.entries(keys).map(([service, jwk]) => ({ ...jwk, service })) as JSONWebKeySet['keys'] };
}
