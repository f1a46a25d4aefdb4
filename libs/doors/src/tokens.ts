import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose';
import { CaError } from '#libs/errors';
import { ROLES, type Role } from './endpoint.js';
import type { Caller } from './door.guard.js';

export const AUDIENCE = 'kaika';
const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];

export interface TokenOptions {
  /** The `iss` a token must carry. */
  issuer: string;
  /** JWK set (RFC 7517) of the identity provider, kept on disk so that it works while the provider is away. */
  jwksFile: string;
}

/** Checks bearer tokens (RFC 9068 in spirit: `iss`, `aud`, `exp`, `sub`, and `roles`). Real time, never a moved clock. */
export class Tokens {
  #keys: Promise<ReturnType<typeof createLocalJWKSet>> | undefined;

  constructor(private readonly options: TokenOptions) {}

  /** @throws CaError unauthorized, without saying what was wrong with the token */
  async verify(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw new CaError('unauthorized', 'send a bearer token');
    const keys = await (this.#keys ??= this.load());
    const { payload } = await jwtVerify(token, keys, {
      issuer: this.options.issuer,
      audience: AUDIENCE,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
    }).catch((cause: unknown) => {
      throw new CaError('unauthorized', 'the token is not valid', {}, { cause });
    });
    const claimed: unknown[] = Array.isArray(payload.roles) ? payload.roles : [];
    return { subject: payload.sub!, roles: ROLES.filter((role) => claimed.includes(role)) };
  }

  private async load(): Promise<ReturnType<typeof createLocalJWKSet>> {
    try {
      return createLocalJWKSet(JSON.parse(await readFile(this.options.jwksFile, 'utf8')) as JSONWebKeySet);
    } catch (cause) {
      this.#keys = undefined; // the next call reads the file again
      throw new Error('reading the key set of the identity provider', { cause });
    }
  }
}

/** An Ed25519 private key and the `kid` the key set knows it by. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** Signs a token with the embedded default's own issuer key, for its demo users and its services. */
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
