import type { ErrorCode } from '#libs/errors';

/** What a page can be told by the centre or the agent, and what it finds out itself. */
export type ProblemCode = ErrorCode | 'agentMissing' | 'permissionDenied' | 'offline' | 'cancelled' | 'tooSlow';

interface Body {
  type?: string;
  legacyCode?: string | null;
  errors?: { at: string; problem: string }[];
  retryAfterSeconds?: number;
  hint?: { zh: string; en: string };
  [param: string]: unknown;
}

/** A refusal, by the name that the texts have a sentence for (RFC 9457 `type`). */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    readonly body: Body = {},
    readonly status = 0,
  ) {
    super(code);
  }

  get legacyCode(): string | undefined {
    return this.body.legacyCode ?? undefined;
  }

  /**
   * Refused: sent again, it would be again. What nobody answered may be sent again, and so may what came before its sender had
   * signed in (401), too slowly (408) or too often (429).
   */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && ![401, 408, 429].includes(this.status);
  }

  /** Names of the fields that are wrong, in the form's words: `/contact/email` is `contact.email`. */
  get fields(): string[] {
    return (this.body.errors ?? []).map(({ at }) => at.replace(/^\/|^query:|^header:/, '').replaceAll('/', '.'));
  }
}

const PREFIX = 'urn:kaika:error:';

export function problemOf(status: number, body: unknown): Problem {
  const known = (typeof body === 'object' && body !== null ? body : {}) as Body;
  const code = known.type?.startsWith(PREFIX) ? (known.type.slice(PREFIX.length) as ProblemCode) : 'internal';
  return new Problem(code, known, status);
}

export const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem(error instanceof TypeError ? 'offline' : 'internal');
