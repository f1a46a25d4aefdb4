import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#libs/clock';
import { randomDigits } from '#libs/credentials';
import { CaError } from '#libs/errors';

/** A code is on the screen for so long … */
const CODE_SECONDS = 120;
const CODE_DIGITS = 6;
/** … and gone after so many wrong ones. Of all codes together, so many may be wrong in ten minutes. */
const WRONG_PER_CODE = 3;
const WRONG_IN_ALL = 10;
const WRONG_WINDOW_SECONDS = 600;
const MAX_OPEN = 5;
const MAX_TOKENS = 50;
export const IDLE_SECONDS = 600;

interface Open {
  readonly id: string;
  readonly origin: string;
  readonly code: string;
  readonly expiresAtMs: number;
  wrong: number;
}

/**
 * That the person in front of the reader lets a page use it: the agent's own page shows a code, which that person types
 * into the page that asked. The token it gets is good for its origin alone and until ten minutes after its last use. All
 * of it lives in memory.
 */
export class Pairing {
  readonly #open = new Map<string, Open>();
  /** By SHA-256 of the token */
  readonly #tokens = new Map<string, { origin: string; usedAtMs: number }>();
  #wrongAtMs: number[] = [];

  /** @param needed false: every page on the list counts as paired */
  constructor(
    readonly needed: boolean,
    private readonly clock: Clock,
  ) {}

  begin(origin: string): string {
    this.prune();
    if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value!);
    const id = randomBytes(32).toString('base64url');
    const code = randomDigits(CODE_DIGITS);
    this.#open.set(id, { id, origin, code, expiresAtMs: this.clock.nowMs() + CODE_SECONDS * 1000, wrong: 0 });
    return id;
  }

  /** For the eyes of who stands in front of the screen. */
  shown(id: string): { origin: string; code: string } | undefined {
    this.prune();
    return this.#open.get(id);
  }

  /**
   * @returns the token
   * @throws CaError pairingRefused, also for an id that is not or no longer there; tooManyAttempts
   */
  confirm(id: string, origin: string, code: string): string {
    this.prune();
    if (this.#wrongAtMs.length >= WRONG_IN_ALL) {
      throw new CaError('tooManyAttempts', 'too many wrong pairing codes; wait ten minutes');
    }
    const open = this.#open.get(id);
    if (!open || open.origin !== origin || !same(open.code, code)) {
      this.#wrongAtMs.push(this.clock.nowMs());
      if (open && ++open.wrong >= WRONG_PER_CODE) this.#open.delete(id);
      throw new CaError('pairingRefused', 'this is not the code on the agent’s page, or it is no longer good');
    }
    this.#open.delete(id);
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.delete(this.#tokens.keys().next().value!);
    const token = randomBytes(32).toString('base64url');
    this.#tokens.set(digest(token).toString('hex'), { origin, usedAtMs: this.clock.nowMs() });
    return token;
  }

  /** @param authorization the header's value, `Bearer …` */
  isPaired(origin: string, authorization: string | undefined, use: 'counts' | 'only-looks' = 'only-looks'): boolean {
    if (!this.needed) return true;
    this.prune();
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1];
    const known = token && this.#tokens.get(digest(token).toString('hex'));
    if (!known || known.origin !== origin) return false;
    if (use === 'counts') known.usedAtMs = this.clock.nowMs();
    return true;
  }

  private prune(): void {
    const now = this.clock.nowMs();
    for (const [id, { expiresAtMs }] of this.#open) if (expiresAtMs <= now) this.#open.delete(id);
    for (const [key, { usedAtMs }] of this.#tokens) {
      if (usedAtMs + IDLE_SECONDS * 1000 <= now) this.#tokens.delete(key);
    }
    this.#wrongAtMs = this.#wrongAtMs.filter((at) => at + WRONG_WINDOW_SECONDS * 1000 > now);
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest();
const same = (a: string, b: string) => timingSafeEqual(digest(a), digest(b));
