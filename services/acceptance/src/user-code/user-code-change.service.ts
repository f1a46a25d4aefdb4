import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { Card, lockCard } from '../card.entity.js';
import { KnownCards } from '../known-cards.js';
import { UserCodes } from './user-codes.js';

/** A user code changed by who knows the old one; the card need not be there. */
@Injectable()
export class UserCodeChangeService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
    private readonly userCodes: UserCodes,
    private readonly known: KnownCards,
  ) {}

  /**
   * An unknown card, one without a code and a wrong code have the same answer at the same cost.
   *
   * @param given.from  source of the request, `sourceOf(address)`
   * @returns when it was changed
   * @throws CaError codeRefused (3005) | tooManyAttempts | attemptsLocked | tooBusy | cardRevoked |
   *                 conflict when another code was set meanwhile
   */
  async change(cardNumber: string, given: { userCode: string; newUserCode: string; from: string }): Promise<Date> {
    const isKnown = await this.source.manager.existsBy(Card, { cardNumber });
    const { 'user-code': verifier } = await this.userCodes.verifiersOf(cardNumber);
    const old = isKnown ? verifier : undefined;
    const right = await this.attempts.check({ cardNumber, purpose: 'user-code', source: given.from }, () =>
      this.hasher.verify(old?.verifier, given.userCode),
    );
    if (!right) throw new CaError('codeRefused', 'the user code or the card number is not right');
    await this.known.refuseRevoked(cardNumber, this.source.manager);
    const now = this.clock.now();
    const made = await this.userCodes.make(cardNumber, given.newUserCode, now);
    if (made.replaces !== old?.generation) throw new CaError('conflict', 'another user code was set a moment ago');
    await this.source.transaction(async (tx) => {
      await lockCard(tx, cardNumber);
      await this.userCodes.put(tx, made);
    });
    return now;
  }
}
