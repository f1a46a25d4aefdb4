import { type DataSource, type EntityManager, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { z } from 'zod';
import type { Clock } from '#libs/clock';
import { type CodeHasher, randomDigits } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { EventOf } from '#libs/events';
import type { NonceSession } from './nonce.js';
import { PinReset } from './pin-reset/pin-reset.entity.js';
import type { SealedEvents } from './sealed-events.js';
import { UserCodeReset } from './user-code/user-code-reset.entity.js';

const CODE_SECONDS = 600;
export const CODE_DIGITS = 8;
const MOST_TRIES = 5;
const DAY_SECONDS = 86_400;
/** Mails to one contact: who has somebody's card must not fill their mailbox. */
const MOST_CODES_A_DAY = 5;

/** What may be asked for a code, and where it is kept. */
const SESSIONS = { 'user-code-reset': UserCodeReset, 'pin-reset': PinReset } as const;
export type CodePurpose = keyof typeof SESSIONS;

/** What a session keeps of the code that it had sent. */
interface CodeSession extends NonceSession {
  /** Null before it is made, after it was used, and when a newer one of the card took its place. */
  codeVerifier: string | null;
  codeRequestedAt: Date | null;
  codeExpiresAt: Date | null;
  /** Counted before each is looked at. */
  tries: number;
}

/** A code that was hashed and sealed, on its way into a transaction. */
export interface NewCode {
  purpose: CodePurpose;
  verifier: string;
  at: Date;
  expiresAt: Date;
  event: EventOf<'one-time-code.requested'>;
}

/** In a request. */
export const oneTimeCode = z
  .string('a one-time code is a text')
  .regex(new RegExp(`^[0-9]{${CODE_DIGITS}}$`), `a one-time code is ${CODE_DIGITS} half-width digits`)
  .meta({ description: 'From the e-mail', format: 'password', writeOnly: true });

/**
 * One-time codes for a card that was proven: mailed by `issuance` to the contact whose address it has. A card has one code
 * for each purpose, the newest.
 */
export class OneTimeCodes {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly hasher: CodeHasher,
    private readonly sealed: SealedEvents,
  ) {}

  /** Outside any transaction: scrypt takes 60 ms. @throws CaError tooBusy */
  async make(purpose: CodePurpose, { id, cardNumber }: Pick<NonceSession, 'id' | 'cardNumber'>): Promise<NewCode> {
    const code = randomDigits(CODE_DIGITS);
    const verifier = await this.hasher.hash(code);
    const at = this.clock.now();
    const expiresAt = new Date(at.getTime() + CODE_SECONDS * 1_000);
    const readable = { cardNumber, request: id, purpose, expiresAt: expiresAt.toISOString() };
    const event = await this.sealed.make('one-time-code.requested', readable, { code }, at);
    return { purpose, verifier, at, expiresAt, event };
  }

  /** In a transaction that has locked the card's row. @throws CaError tooManyAttempts */
  async put(
    tx: EntityManager,
    { id, cardNumber }: Pick<NonceSession, 'id' | 'cardNumber'>,
    { purpose, verifier: codeVerifier, at: codeRequestedAt, expiresAt: codeExpiresAt }: NewCode,
  ): Promise<void> {
    await refuseMany(tx, purpose, cardNumber, codeRequestedAt);
    await this.spend(tx, purpose, cardNumber);
    await tx.update<CodeSession>(SESSIONS[purpose], id, { codeVerifier, codeRequestedAt, codeExpiresAt });
  }

  /**
   * Counted before it is looked at.
   *
   * @param of the session that had it sent, or a card, when a later session of it may use the code
   * @throws CaError sessionExpired | tooBusy
   */
  async isRight(purpose: CodePurpose, of: { id: string } | { cardNumber: string }, code: string): Promise<boolean> {
    const live = { ...of, codeVerifier: Not(IsNull()), codeExpiresAt: MoreThan(this.clock.now()) };
    const { manager } = this.source;
    const found = await manager.findOneBy<CodeSession>(SESSIONS[purpose], live);
    const { affected } = await manager.update<CodeSession>(
      SESSIONS[purpose],
      { ...live, tries: LessThan(MOST_TRIES) },
      { tries: () => 'tries + 1' },
    );
    if (affected !== 1 || !found?.codeVerifier) {
      throw new CaError(
        'sessionExpired',
        'no such code is open: too old, replaced, or tried too often; ask for another',
      );
    }
    return this.hasher.verify(found.codeVerifier, code);
  }

  /** Of this card none serves any more. */
  async spend(tx: EntityManager, purpose: CodePurpose, cardNumber: string): Promise<void> {
    const live = { cardNumber, codeVerifier: Not(IsNull()) };
    await tx.update<CodeSession>(SESSIONS[purpose], live, { codeVerifier: null });
  }
}

async function refuseMany(tx: EntityManager, purpose: CodePurpose, cardNumber: string, now: Date): Promise<void> {
  const sent = await tx.find<CodeSession>(SESSIONS[purpose], {
    where: { cardNumber, codeRequestedAt: MoreThan(new Date(now.getTime() - DAY_SECONDS * 1_000)) },
    order: { codeRequestedAt: 'asc' },
  });
  const [first] = sent;
  if (!first || sent.length < MOST_CODES_A_DAY) return;
  const waitMs = first.codeRequestedAt!.getTime() + DAY_SECONDS * 1_000 - now.getTime();
  const retryAfterSeconds = Math.ceil(waitMs / 1_000);
  throw new CaError('tooManyAttempts', `${MOST_CODES_A_DAY} codes were sent today`, { retryAfterSeconds });
}
