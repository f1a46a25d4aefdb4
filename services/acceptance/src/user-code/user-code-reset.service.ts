import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull, LessThan, MoreThan, Not } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { Outbox } from '#libs/messaging';
import { NONCE_BYTES, type Proof } from '#libs/piv';
import { lockCard } from '../card.entity.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { KnownCards } from '../known-cards.js';
import { SealedEvents } from '../sealed-events.js';
import { UserCodeReset } from './user-code-reset.entity.js';
import { UserCodes } from './user-codes.js';

export const NONCE_SECONDS = 120;
export const CODE_SECONDS = 600;
const ABANDONED_SECONDS = 3_600;
export const CODE_DIGITS = 8;
const MOST_TRIES = 5;
const DAY_SECONDS = 86_400;
/** Mails to one contact: who has somebody's card must not fill their mailbox. */
const MOST_CODES_A_DAY = 5;

/**
 * A forgotten user code (DOMAIN.md §4): the card's 9E proof, then a one-time code that `issuance` mails to the contact.
 * No mail is sent before the proof, so that a card number alone bothers nobody.
 */
@Injectable()
export class UserCodeResetService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly proofs: CardProofs,
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
    private readonly userCodes: UserCodes,
    private readonly known: KnownCards,
    private readonly sealed: SealedEvents,
    private readonly outbox: Outbox,
  ) {}

  /** The same for unknown cards. Anybody may begin, so what nobody went on with goes. */
  async start(cardNumber: string): Promise<{ id: string; nonce: Buffer }> {
    const reset = { id: randomUUID(), cardNumber, nonce: randomBytes(NONCE_BYTES) };
    await this.source.query(
      `delete from user_code_reset where id in (select id from user_code_reset
         where code_requested_at is null and expires_at < $1
         order by expires_at limit 10 for update skip locked)`,
      [this.inSeconds(-ABANDONED_SECONDS)],
    );
    await this.source.manager.insert(UserCodeReset, { ...reset, expiresAt: this.inSeconds(NONCE_SECONDS) });
    return { id: reset.id, nonce: reset.nonce };
  }

  /**
   * The card is there: has a one-time code sent. It takes the place of any older one of the card.
   *
   * @returns until when the code serves
   * @throws CaError notFound | sessionExpired | proofRefused | cardRevoked | conflict when the card has no user code
   *                 yet | tooManyAttempts | tooBusy
   */
  async prove(id: string, proof: Proof): Promise<Date> {
    const reset = await this.useNonce(id);
    const { signed } = await this.proofs.verify(reset, 'user-code-reset', proof);
    const { cardNumber } = reset;
    await this.known.refuseRevoked(cardNumber, this.source.manager);
    const { 'user-code': old } = await this.userCodes.verifiersOf(cardNumber);
    if (!old) throw new CaError('conflict', 'no user code was set for this card yet');
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    const codeVerifier = await this.hasher.hash(code);
    const at = this.clock.now();
    const codeExpiresAt = this.inSeconds(CODE_SECONDS);
    const readable = { cardNumber, request: id, purpose: 'user-code-reset', expiresAt: codeExpiresAt.toISOString() };
    const event = await this.sealed.make('one-time-code.requested', readable as never, { code }, at);
    await this.source.transaction(async (tx) => {
      await lockCard(tx, cardNumber);
      await this.refuseMany(tx, cardNumber, at);
      await tx.update(UserCodeReset, { cardNumber, codeVerifier: Not(IsNull()) }, { codeVerifier: null });
      await tx.update(UserCodeReset, id, { codeVerifier, codeRequestedAt: at, codeExpiresAt });
      await addEvidence(tx, {
        ...{ slot: '9E', act: 'reset-user-code', session: reset, signed, signature: proof.signature, at },
      });
      await this.outbox.add(tx, event);
    });
    return codeExpiresAt;
  }

  /**
   * Sets the new user code. Repeated with the same new code, the answer is the same.
   *
   * @param given.from  source of the request, `sourceOf(address)`
   * @throws CaError notFound | conflict | sessionExpired | oneTimeCodeRefused | tooManyAttempts | attemptsLocked |
   *                 tooBusy | cardRevoked
   */
  async complete(id: string, given: { oneTimeCode: string; newUserCode: string; from: string }): Promise<void> {
    const reset = await this.find(id);
    const { cardNumber } = reset;
    if (!reset.codeRequestedAt) throw new CaError('conflict', 'the card was not proven yet');
    const attempt = { cardNumber, purpose: 'user-code', source: given.from, proven: true } as const;
    const right = await this.attempts.check(attempt, () => this.isRight(reset, given));
    if (!right) throw new CaError('oneTimeCodeRefused', 'see the e-mail that was sent last');
    if (reset.completedAt) return;
    await this.known.refuseRevoked(cardNumber, this.source.manager);
    const now = this.clock.now();
    const made = await this.userCodes.make(cardNumber, given.newUserCode, now);
    await this.source.transaction(async (tx) => {
      await lockCard(tx, cardNumber);
      const live = { id, codeVerifier: reset.codeVerifier!, completedAt: IsNull() };
      const { affected } = await tx.update(UserCodeReset, live, { codeVerifier: null, completedAt: now });
      if (affected !== 1) throw new CaError('sessionExpired', 'the one-time code was used or replaced');
      await this.userCodes.put(tx, made);
      // Whoever was guessing at the old code without the card has locked a door that is not there any more.
      for (const purpose of ['user-code', 'pin-reset'] as const) await this.attempts.unlock(cardNumber, purpose, tx);
    });
  }

  /** The one-time code; after it was used, the new user code itself: the answer was lost. */
  private async isRight(reset: UserCodeReset, given: { oneTimeCode: string; newUserCode: string }): Promise<boolean> {
    if (reset.completedAt) {
      const known = await this.userCodes.verifiersOf(reset.cardNumber);
      return this.hasher.verify(known['user-code']?.verifier, given.newUserCode);
    }
    const live = { id: reset.id, codeVerifier: Not(IsNull()), codeExpiresAt: MoreThan(this.clock.now()) };
    const { affected } = await this.source.manager.update(
      UserCodeReset,
      { ...live, tries: LessThan(MOST_TRIES) },
      { tries: () => 'tries + 1' },
    );
    if (affected !== 1 || !reset.codeVerifier) {
      throw new CaError('sessionExpired', 'the one-time code is too old, was replaced or was tried too often');
    }
    return this.hasher.verify(reset.codeVerifier, given.oneTimeCode);
  }

  private async refuseMany(tx: EntityManager, cardNumber: string, now: Date): Promise<void> {
    const [row] = (await tx.query(
      `select count(*)::int as count, min(code_requested_at) as first from user_code_reset
       where card_number = $1 and code_requested_at > $2`,
      [cardNumber, new Date(now.getTime() - DAY_SECONDS * 1_000)],
    )) as [{ count: number; first: Date }];
    if (row.count < MOST_CODES_A_DAY) return;
    const waitMs = row.first.getTime() + DAY_SECONDS * 1_000 - now.getTime();
    const retryAfterSeconds = Math.ceil(waitMs / 1_000);
    throw new CaError('tooManyAttempts', `${MOST_CODES_A_DAY} codes were sent today`, { retryAfterSeconds });
  }

  private async useNonce(id: string): Promise<UserCodeReset> {
    const reset = await this.find(id);
    const now = this.clock.now();
    const fresh = { id, nonceUsedAt: IsNull(), expiresAt: MoreThan(now) };
    const { affected } = await this.source.manager.update(UserCodeReset, fresh, { nonceUsedAt: now });
    if (affected !== 1) throw new CaError('sessionExpired', 'the nonce was used or is too old; start again');
    return reset;
  }

  private async find(id: string): Promise<UserCodeReset> {
    const reset = await this.source.manager.findOneBy(UserCodeReset, { id });
    if (!reset) throw new CaError('notFound', 'no such request');
    return reset;
  }

  private inSeconds(seconds: number): Date {
    return new Date(this.clock.nowMs() + seconds * 1_000);
  }
}
