import { randomInt } from 'node:crypto';
import { type DataSource, type EntityManager, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import type { Clock } from '#libs/clock';
import type { CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { EventOf } from '#libs/events';
import type { SealedEvents } from '../sealed-events.js';
import { PinReset } from './pin-reset.entity.js';

export const CODE_SECONDS = 600;
export const CODE_DIGITS = 8;
const MOST_TRIES = 5;
const DAY_SECONDS = 86_400;
/** Mails to one contact. */
const MOST_CODES_A_DAY = 5;

/** A code that was hashed and sealed, on its way into a transaction. */
export interface NewEmailCode {
  verifier: string;
  at: Date;
  expiresAt: Date;
  event: EventOf<'one-time-code.requested'>;
}

/**
 * One-time codes for a new PIN: mailed by `issuance` to the contact whose address it has. A code belongs to the card, and
 * serves until a PIN was set with it or its time is over: who has to begin again after a loss needs no other.
 */
export class EmailCodes {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly hasher: CodeHasher,
    private readonly sealed: SealedEvents,
    /** Otherwise the card and the user code are enough, and none is sent. */
    readonly areAskedFor: boolean,
  ) {}

  /** Outside any transaction: scrypt takes 60 ms. @throws CaError tooBusy */
  async make({ id, cardNumber }: PinReset): Promise<NewEmailCode> {
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    const at = this.clock.now();
    const expiresAt = new Date(at.getTime() + CODE_SECONDS * 1_000);
    const readable = { cardNumber, request: id, purpose: 'pin-reset' as const, expiresAt: expiresAt.toISOString() };
    const event = await this.sealed.make('one-time-code.requested', readable, { code }, at);
    return { verifier: await this.hasher.hash(code), at, expiresAt, event };
  }

  /** In a transaction that has locked the card's row. @throws CaError tooManyAttempts */
  async put(tx: EntityManager, { id, cardNumber }: PinReset, code: NewEmailCode): Promise<void> {
    await this.refuseMany(tx, cardNumber, code.at);
    await this.spend(tx, cardNumber);
    const { verifier: codeVerifier, at: codeRequestedAt, expiresAt: codeExpiresAt } = code;
    await tx.update(PinReset, id, { codeVerifier, codeRequestedAt, codeExpiresAt });
  }

  /** Counted before it is looked at. @throws CaError sessionExpired | tooBusy */
  async isRight(cardNumber: string, code: string): Promise<boolean> {
    const live = { cardNumber, codeVerifier: Not(IsNull()), codeExpiresAt: MoreThan(this.clock.now()) };
    const found = await this.source.manager.findOneBy(PinReset, live);
    const { affected } = await this.source.manager.update(
      PinReset,
      { ...live, tries: LessThan(MOST_TRIES) },
      { tries: () => 'tries + 1' },
    );
    if (affected !== 1 || !found?.codeVerifier) {
      throw new CaError('sessionExpired', 'no one-time code is open: too old, or tried too often; ask for another');
    }
    return this.hasher.verify(found.codeVerifier, code);
  }

  /** Of this card none serves any more. */
  async spend(tx: EntityManager, cardNumber: string): Promise<void> {
    await tx.update(PinReset, { cardNumber, codeVerifier: Not(IsNull()) }, { codeVerifier: null });
  }

  private async refuseMany(tx: EntityManager, cardNumber: string, now: Date): Promise<void> {
    const [row] = (await tx.query(
      `select count(*)::int as count, min(code_requested_at) as first from pin_reset
       where card_number = $1 and code_requested_at > $2`,
      [cardNumber, new Date(now.getTime() - DAY_SECONDS * 1_000)],
    )) as [{ count: number; first: Date }];
    if (row.count < MOST_CODES_A_DAY) return;
    const waitMs = row.first.getTime() + DAY_SECONDS * 1_000 - now.getTime();
    const retryAfterSeconds = Math.ceil(waitMs / 1_000);
    throw new CaError('tooManyAttempts', `${MOST_CODES_A_DAY} codes were sent today`, { retryAfterSeconds });
  }
}
