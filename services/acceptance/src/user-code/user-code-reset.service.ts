import { Injectable } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { Outbox } from '#libs/messaging';
import type { Proof } from '#libs/piv';
import { lockCard } from '../card.entity.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { KnownCards } from '../known-cards.js';
import { findSession, forgetAbandoned, newNonce, useNonce } from '../nonce.js';
import { OneTimeCodes } from '../one-time-code.js';
import { UserCodeReset } from './user-code-reset.entity.js';
import { UserCodes } from './user-codes.js';

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
    private readonly codes: OneTimeCodes,
    private readonly outbox: Outbox,
  ) {}

  /** The same for unknown cards. Anybody may begin, so what nobody went on with goes. */
  async start(cardNumber: string): Promise<{ id: string; nonce: Buffer }> {
    const session = newNonce(this.clock);
    await forgetAbandoned(this.source, UserCodeReset, { until: ['codeRequestedAt'], now: this.clock.now() });
    await this.source.manager.insert(UserCodeReset, { ...session, cardNumber });
    return session;
  }

  /**
   * The card is there: has a one-time code sent. It takes the place of any older one of the card.
   *
   * @returns until when the code serves
   * @throws CaError notFound | sessionExpired | proofRefused | cardRevoked | conflict when the card has no user code
   *                 yet | tooManyAttempts | tooBusy
   */
  async prove(id: string, proof: Proof): Promise<Date> {
    const reset = await useNonce(this.source, UserCodeReset, { id, now: this.clock.now() });
    const { signed } = await this.proofs.verify(reset, 'user-code-reset', proof);
    const { cardNumber } = reset;
    await this.known.refuseRevoked(cardNumber, this.source.manager);
    const { 'user-code': old } = await this.userCodes.verifiersOf(cardNumber);
    if (!old) throw new CaError('conflict', 'no user code was set for this card yet');
    const code = await this.codes.make('user-code-reset', reset);
    const { at } = code;
    await this.source.transaction(async (tx) => {
      await lockCard(tx, cardNumber);
      await this.codes.put(tx, reset, code);
      await addEvidence(tx, {
        ...{ slot: '9E', act: 'reset-user-code', session: reset, signed, signature: proof.signature, at },
      });
      await this.outbox.add(tx, code.event);
    });
    return code.expiresAt;
  }

  /**
   * Sets the new user code. Repeated with the same new code, the answer is the same.
   *
   * @param given.from  source of the request, `sourceOf(address)`
   * @throws CaError notFound | conflict | sessionExpired | oneTimeCodeRefused | tooManyAttempts | attemptsLocked |
   *                 tooBusy | cardRevoked
   */
  async complete(id: string, given: { oneTimeCode: string; newUserCode: string; from: string }): Promise<void> {
    const reset = await findSession(this.source, UserCodeReset, id);
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
    return this.codes.isRight('user-code-reset', { id: reset.id }, given.oneTimeCode);
  }
}
