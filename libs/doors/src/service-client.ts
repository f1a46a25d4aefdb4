import type { z } from 'zod';
import { CaError, ERRORS, type ErrorCode, type Problem } from '#libs/errors';
import { currentTrace } from '#libs/trace';
import { issueToken, SERVICE_ISSUER, type SigningKey } from './issue-token.js';

/** Gives a bearer token for calls between services. */
export type TokenSource = () => Promise<string>;

/** Tokens of one service, signed by its own key and renewed at half their life. */
export function serviceTokens(key: SigningKey, service: string): TokenSource {
  const lifetimeSeconds = 600;
  let current: { token: Promise<string>; until: number } | undefined;
  return () => {
    const nowMs = performance.now();
    if (!current || nowMs > current.until) {
      const token = issueToken(key, {
        ...{ issuer: SERVICE_ISSUER, subject: `service:${service}`, lifetimeSeconds },
        roles: ['service'],
      });
      current = { token, until: nowMs + (lifetimeSeconds / 2) * 1_000 };
    }
    return current.token;
  };
}

/** The peer gave no answer: it may or may not have done what was asked, so only idempotent commands go this way. */
export class PeerUnreachable extends Error {
  override readonly name = 'PeerUnreachable';
}

/**
 * HTTP between services: only calls that may be repeated, each with a time limit. A peer's problem comes back as the
 * CaError it was. The caller's trace goes on there.
 */
export class ServiceClient {
  constructor(
    private readonly baseUrl: string,
    private readonly token: TokenSource,
    private readonly timeoutMs = 5_000,
  ) {}

  /** @throws CaError as the peer named it; PeerUnreachable for no answer, a 5xx without a name, or one that is no JSON */
  async call<T extends z.ZodType>(
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    returns: T,
    body?: unknown,
  ): Promise<z.output<T>> {
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(this.baseUrl + path, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(this.timeoutMs),
        headers: {
          ...currentTrace(),
          authorization: `Bearer ${await this.token()}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      answer = await response.json();
    } catch (cause) {
      throw new PeerUnreachable(`${method} ${path}: no answer`, { cause });
    }
    if (response.ok) return returns.parse(answer);
    const problem = answer as Partial<Problem>;
    const code = problem.type?.replace('urn:kaika:error:', '') ?? '';
    if (response.status >= 500 || !Object.hasOwn(ERRORS, code)) {
      throw new PeerUnreachable(`${method} ${path}: answered ${response.status}`);
    }
    const { type: _type, title: _title, status: _status, detail, legacyCode: _legacy, ...params } = problem;
    throw new CaError(code as ErrorCode, detail ?? '', params);
  }
}
