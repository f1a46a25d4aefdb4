import { CaError } from '#libs/errors';
import { SERIAL, type CertificateFacts, type CrlReason } from '#libs/pki';
import { isValidAt, type Delegate } from './delegate.js';
import { IssuerId } from './issuer-id.js';
import { MalformedRequest, parseRequest, type CertId, type OcspRequest } from './request.js';
import {
  basicResponse,
  errorResponse,
  type ResponseData,
  type ResponseStatus,
  type SingleResponse,
} from './response.js';

/** What the read model knows of a certificate. One it doesn't know was never issued. */
export type KnownCertificate = {
  readonly notAfter: Date;
  /** Changes with every change of status: `seq` of the status log. */
  readonly seq: number | string;
} & (
  | { readonly status: 'good' }
  | {
      readonly status: 'revoked';
      /** The same as on the list: start of the present uninterrupted period in which the certificate isn't good. */
      readonly revocationTime: Date;
      readonly reason?: CrlReason;
    }
);

/** @param serials 32 upper-case hex digits each; those never issued are left out of the answer */
export type Lookup = (serials: readonly string[]) => Promise<ReadonlyMap<string, KnownCertificate>>;

export interface Knowledge {
  /**
   * Time of the last watermark the read model applied, undefined before the first. To be read before the question is
   * asked: what the look-up finds is at least as new.
   */
  readonly thisUpdate: Date | undefined;
  readonly now: Date;
}

export type Answer = SignedAnswer | OtherAnswer;

interface SignedAnswer {
  readonly status: 'successful';
  readonly der: Buffer;
  readonly thisUpdate: Date;
  /** Whether another who asks the same may get the same answer: no nonce in it, and nothing unknown. */
  readonly cacheable: true;
  readonly maxAgeSeconds: number;
}

interface OtherAnswer {
  readonly status: ResponseStatus;
  readonly der: Buffer;
  readonly cacheable: false;
  readonly maxAgeSeconds: 0;
  /** Why there is no better answer: for the log, never for who asked. */
  readonly cause?: unknown;
}

/** OCSP never vouches for knowledge older than this (invariant 6). */
export const MAX_KNOWLEDGE_AGE_SECONDS = 30;
const NEXT_UPDATE_SECONDS = 3_600;
const MAX_AGE_SECONDS = 60;

export interface ResponderOptions {
  /** The one CA whose certificates are asked about. */
  readonly issuer: CertificateFacts;
  readonly lookup: Lookup;
  /** Signed answers kept, 1 to 2 KiB each. Default 10,000. */
  readonly maxCached?: number;
}

interface Cached {
  readonly der: Buffer;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/**
 * Answers OCSP requests about the certificates of one issuer. Never throws: every request, whatever it is, has an
 * OCSP answer.
 *
 * | answer | to |
 * |---|---|
 * | malformedRequest | what `parseRequest` refuses |
 * | unauthorized | a request that names any certificate of another issuer: this delegate cannot speak for it (RFC 6960 §4.2.2.2), and to sign the rest only would look like an answer to all |
 * | tryLater | no valid delegate, knowledge older than 30 s, a look-up that fails |
 * | internalError | everything else that fails, the signing key first |
 *
 * Not done here: several issuers behind one address, answers signed in advance.
 */
export class Responder {
  readonly #issuer: CertificateFacts;
  readonly #issuerId: IssuerId;
  readonly #lookup: Lookup;
  readonly #maxCached: number;
  /** By CertID and seq, in the order of last use. */
  readonly #cache = new Map<string, Cached>();
  #delegate: Delegate | undefined;

  constructor({ issuer, lookup, maxCached = 10_000 }: ResponderOptions) {
    this.#issuer = issuer;
    this.#issuerId = new IssuerId(issuer);
    this.#lookup = lookup;
    this.#maxCached = maxCached;
  }

  /**
   * Signs with this delegate from now on.
   *
   * @throws CaError certificateLint when it speaks for another issuer
   */
  use(delegate: Delegate): void {
    if (!delegate.issuer.ski.equals(this.#issuer.ski)) {
      throw new CaError('certificateLint', 'the delegate speaks for another issuer', { problems: ['another issuer'] });
    }
    this.#delegate = delegate;
    this.#cache.clear();
  }

  get delegate(): Delegate | undefined {
    return this.#delegate;
  }

  /** @param request DER, as it came */
  async answer(request: Uint8Array, knowledge: Knowledge): Promise<Answer> {
    try {
      return await this.#answer(parseRequest(request), knowledge);
    } catch (cause) {
      return failure(cause instanceof MalformedRequest ? 'malformedRequest' : 'internalError', cause);
    }
  }

  async #answer({ certificates, nonce }: OcspRequest, { thisUpdate, now }: Knowledge): Promise<Answer> {
    if (!certificates.every((id) => this.#issuerId.matches(id))) return failure('unauthorized', 'another issuer');
    const delegate = this.#delegate;
    if (!delegate || !isValidAt(delegate, now)) return failure('tryLater', 'no delegate is valid now');
    if (!thisUpdate || now.getTime() - thisUpdate.getTime() > MAX_KNOWLEDGE_AGE_SECONDS * 1_000) {
      return failure('tryLater', 'the read model is behind');
    }
    let found: ReadonlyMap<string, KnownCertificate>;
    try {
      found = await this.#find(certificates);
    } catch (cause) {
      return failure('tryLater', cause);
    }
    const cacheKey = nonce === undefined && certificates.length === 1 ? keyOf(certificates[0]!, found) : undefined;
    const cached = cacheKey === undefined ? undefined : this.#cached(cacheKey, now);
    if (cached) return success(cached, now);

    const data = this.#responseData(certificates, found, delegate, thisUpdate < now ? thisUpdate : now, now);
    const der = await basicResponse({ ...data, nonce }, delegate);
    const { thisUpdate: asOf, nextUpdate } = data.responses[0]!;
    const isComplete = certificates.every(({ serial }) => found.has(serial));
    if (nonce !== undefined || !isComplete) return { status: 'successful', der, cacheable: false, maxAgeSeconds: 0 };
    const signed = { der, thisUpdate: asOf, nextUpdate };
    if (cacheKey !== undefined && delegate === this.#delegate) this.#keep(cacheKey, signed);
    return success(signed, now);
  }

  /** Serials of any other form were never issued; nobody needs to look for them. */
  async #find(certificates: readonly CertId[]): Promise<ReadonlyMap<string, KnownCertificate>> {
    const serials = new Set(certificates.map(({ serial }) => serial).filter((serial) => SERIAL.test(serial)));
    return serials.size === 0 ? new Map<string, KnownCertificate>() : this.#lookup([...serials]);
  }

  #responseData(
    certificates: readonly CertId[],
    found: ReadonlyMap<string, KnownCertificate>,
    delegate: Delegate,
    watermark: Date,
    now: Date,
  ): ResponseData {
    const responses = certificates.map(({ der, serial }): SingleResponse => {
      const known = found.get(serial);
      // A change the look-up saw already may be later than the watermark; it is knowledge of its own time.
      const thisUpdate = known?.status === 'revoked' ? later(watermark, known.revocationTime) : watermark;
      const nextUpdate = new Date(thisUpdate.getTime() + NEXT_UPDATE_SECONDS * 1_000);
      return {
        certId: der,
        certStatus: known ?? { status: 'unknown' },
        thisUpdate,
        // Once the delegate's certificate has expired its answers convince nobody.
        nextUpdate: nextUpdate < delegate.notAfter ? nextUpdate : delegate.notAfter,
        // Status is kept for ever, so the cutoff is the beginning of the issuer's life.
        archiveCutoff: known && known.notAfter < now ? this.#issuer.notBefore : undefined,
      };
    });
    const producedAt = responses.reduce((latest, { thisUpdate }) => later(latest, thisUpdate), now);
    return { producedAt, responses };
  }

  /** A kept answer that is no older than what may be vouched for, and not from a future the clock was moved out of. */
  #cached(key: string, now: Date): Cached | undefined {
    const cached = this.#cache.get(key);
    if (!cached) return undefined;
    this.#cache.delete(key);
    const ageMs = now.getTime() - cached.thisUpdate.getTime();
    if (ageMs < 0 || ageMs > MAX_KNOWLEDGE_AGE_SECONDS * 1_000) return undefined;
    this.#cache.set(key, cached);
    return cached;
  }

  #keep(key: string, answer: Cached): void {
    if (this.#maxCached === 0) return;
    this.#cache.delete(key);
    if (this.#cache.size >= this.#maxCached) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, answer);
  }
}

const later = (a: Date, b: Date): Date => (a < b ? b : a);

/** The CertID tells the hash too: the answer repeats it. Undefined for a certificate that isn't known. */
function keyOf({ der, serial }: CertId, found: ReadonlyMap<string, KnownCertificate>): string | undefined {
  const known = found.get(serial);
  return known && `${known.seq} ${known.status} ${der.toString('latin1')}`;
}

function success({ der, thisUpdate, nextUpdate }: Cached, now: Date): Answer {
  const leftSeconds = Math.max(0, Math.floor((nextUpdate.getTime() - now.getTime()) / 1_000));
  return {
    status: 'successful',
    der,
    thisUpdate,
    cacheable: true,
    maxAgeSeconds: Math.min(MAX_AGE_SECONDS, leftSeconds),
  };
}

function failure(status: Exclude<ResponseStatus, 'successful'>, cause: unknown): Answer {
  return { status, der: errorResponse(status), cacheable: false, maxAgeSeconds: 0, cause };
}
