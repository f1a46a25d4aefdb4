import { ERRORS, type ErrorCode, type ErrorKind } from './codes.js';

/**
 * An error this product has a name for. `detail` and `params` are shown to the caller: no user code, national ID, PIN,
 * key or other secret may be in them.
 */
export class CaError extends Error {
  override readonly name = 'CaError';

  constructor(
    readonly code: ErrorCode,
    detail: string,
    readonly params: Record<string, unknown> = {},
    options?: { cause?: unknown },
  ) {
    super(detail, options);
  }
}

/** RFC 9457 problem details, as sent with application/problem+json. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  legacyCode: string | null;
  confirmable?: true;
  /** RFC 6901 pointers into the body, or `query:<name>`, each with what is wrong there. */
  errors?: { at: string; problem: string }[];
  [param: string]: unknown;
}

/** What the edge says of an error. What has no name becomes `internal`, without any detail. */
export function toProblem(error: unknown): Problem {
  const known = error instanceof CaError ? error : undefined;
  const code = known?.code ?? 'internal';
  const kind: ErrorKind = ERRORS[code];
  return {
    ...known?.params,
    type: `urn:kaika:error:${code}`,
    title: kind.title,
    status: kind.status,
    ...(known && { detail: known.message }),
    legacyCode: kind.legacyCode ?? null,
    ...(kind.confirmable && { confirmable: true }),
  };
}
