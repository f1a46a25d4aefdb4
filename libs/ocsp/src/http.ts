import { createHash } from 'node:crypto';
import { MAX_REQUEST_BYTES } from './request.js';
import type { Answer } from './responder.js';

export const REQUEST_TYPE = 'application/ocsp-request';
export const RESPONSE_TYPE = 'application/ocsp-response';

/** Base64 of the longest request, each octet percent-encoded. */
const MAX_PATH_CHARACTERS = Math.ceil(MAX_REQUEST_BYTES / 3) * 4 * 3;

/**
 * The request in a GET's path (RFC 6960 appendix A.1): `path` is what follows the responder's own, still
 * percent-encoded. Tolerated, for clients do it: slashes in front (a responder's URL that ended with one; DER never
 * begins so, being `M…`), unencoded `+` and `/`, a `+` that became a blank, base64 without its `=`.
 *
 * @returns empty for what is no base64: no request either, so it is answered as a malformed one
 */
export function requestFromPath(path: string): Buffer {
  const nothing = Buffer.alloc(0);
  if (path.length > MAX_PATH_CHARACTERS) return nothing;
  const text = decoded(path)?.replace(/^\/+/, '').replaceAll(' ', '+').replace(/=+$/, '');
  if (text === undefined || !/^[A-Za-z0-9+/]*$/.test(text) || text.length % 4 === 1) return nothing;
  return Buffer.from(text, 'base64');
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/**
 * Header fields of the HTTP answer, which is a 200 whatever the OCSP status. RFC 5019 §6.2, but without `Expires`: it
 * would let a cache that knows no max-age keep the answer until nextUpdate. Meant for GET; caches ignore POST's.
 */
export function answerHeaders(answer: Answer): Record<string, string> {
  if (!answer.cacheable) return { 'Content-Type': RESPONSE_TYPE, 'Cache-Control': 'no-store' };
  return {
    'Content-Type': RESPONSE_TYPE,
    'Cache-Control': `public, max-age=${answer.maxAgeSeconds}, no-transform, must-revalidate`,
    'Last-Modified': answer.thisUpdate.toUTCString(),
    ETag: `"${createHash('sha256').update(answer.der).digest('hex')}"`,
  };
}
