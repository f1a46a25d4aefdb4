import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Logger } from 'pino';
import { type Clock, Rounds } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { Caller } from './door.guard.js';
import { ROLES, type Role } from './endpoint.js';
import { AUDIENCE, SERVICE_ISSUER } from './issue-token.js';
import { KeyFile } from './key-file.js';
import { KeyRefresh } from './key-refresh.js';

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];
const REFRESH_MS = 600_000;
const RETRY_MS = 30_000;

export interface TokenOptions {
  /** The `iss` of people and machines: their identity provider. Its tokens never have the role `service`. */
  issuer: string;
  /** JWK set (RFC 7517) of the identity provider, kept on disk so that it works while the provider is away. */
  jwksFile: string;
  /** Where that set is got from: at the start, each 10 minutes, and for a key nobody knows. Undefined: never. */
  jwksUrl?: string | undefined;
  /** JWK set of the services' own keys, whose tokens have the role `service` and no other. Undefined: none is trusted. */
  serviceJwksFile?: string | undefined;
}

interface Trusted {
  issuer: string;
  keys: KeyFile;
  roles: readonly Role[];
  refresh?: KeyRefresh;
  /** A key whose entry names a service signs the tokens of that one only (`serviceKeySet`). */
  boundToSubject: boolean;
}

/**
 * Checks bearer tokens (RFC 9068 in spirit: `iss`, `aud`, `exp`, `sub`, and `roles`) of two issuers that are trusted with
 * different roles: the identity provider and, between services, each service itself. Real time, never a moved clock.
 */
export class Tokens implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #trusted: Trusted[];
  readonly #rounds: Rounds | undefined;

  constructor(
    { issuer, jwksFile, jwksUrl, serviceJwksFile }: TokenOptions,
    { log, clock }: { log?: Logger; clock?: Clock } = {},
  ) {
    const warn = (error: unknown, message: string) => log?.warn({ err: error }, message);
    const refresh = jwksUrl ? new KeyRefresh({ url: jwksUrl, file: jwksFile }) : undefined;
    const people: Trusted = {
      ...{ issuer, keys: new KeyFile(jwksFile, warn), boundToSubject: false },
      roles: ROLES.filter((role) => role !== 'service'),
      ...(refresh && { refresh }),
    };
    this.#trusted = [people];
    if (serviceJwksFile) {
      const keys = new KeyFile(serviceJwksFile, warn);
      this.#trusted.push({ issuer: SERVICE_ISSUER, keys, boundToSubject: true, roles: ['service'] });
    }
    if (refresh && log && clock) this.#rounds = keepFresh(refresh, log, clock);
  }

  /** Returns at once: a provider that is away keeps nobody from starting. */
  onApplicationBootstrap(): void {
    this.#rounds?.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#rounds?.stop();
  }

  /** @throws CaError unauthorized, without saying what was wrong with the token; identityUnavailable */
  async verify(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw new CaError('unauthorized', 'send a bearer token');
    try {
      const issuer = decodeJwt(token).iss;
      const trusted = this.#trusted.find((candidate) => candidate.issuer === issuer);
      if (!trusted) throw new Error('another issuer');
      const { sub, roles } = await check(token, trusted);
      const claimed: unknown[] = Array.isArray(roles) ? roles : [];
      return { subject: sub!, roles: trusted.roles.filter((role) => claimed.includes(role)) };
    } catch (cause) {
      if (cause instanceof CaError) throw cause;
      throw new CaError('unauthorized', 'the token is not valid', {}, { cause });
    }
  }
}

async function check(token: string, trusted: Trusted): Promise<JWTPayload> {
  try {
    return await checkOnce(token, trusted);
  } catch (error) {
    const worthwhile = error instanceof errors.JWKSNoMatchingKey || error instanceof CaError;
    if (!worthwhile || !(await trusted.refresh?.unknownKey())) throw error;
    return checkOnce(token, trusted);
  }
}

async function checkOnce(token: string, { issuer, keys, boundToSubject }: Trusted): Promise<JWTPayload> {
  const { find, entry } = await keys.current().catch((cause: unknown) => {
    throw new CaError('identityUnavailable', 'no keys to check tokens with', {}, { cause });
  });
  const { payload, protectedHeader } = await jwtVerify(token, find, {
    ...{ issuer, audience: AUDIENCE, algorithms: ALGORITHMS, requiredClaims: ['exp', 'sub'] },
  });
  if (boundToSubject) {
    const { service } = (entry(protectedHeader.kid) ?? {}) as { service?: string };
    if (service && payload.sub !== `service:${service}`) throw new Error('signed by the key of another service');
  }
  return payload;
}

function keepFresh(refresh: KeyRefresh, log: Logger, clock: Clock): Rounds {
  let failed = true;
  const work = async () => {
    failed = true;
    await refresh.refresh();
    failed = false;
  };
  const waitMs = () => (failed ? RETRY_MS : REFRESH_MS);
  return new Rounds({ what: 'getting the keys of the identity provider', work, waitMs, clock, log });
}
