import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { endOfDay } from '#libs/clock';
import { writeAtOnce } from '#libs/database';
import { CaError } from '#libs/errors';
import { lockKnownCard, setAcceptBy, type LockedCard } from '../card.js';
import { CardChanges, refuseClosed } from '../card-changes.js';
import { statusOf } from '../card-status.js';
import { checkExtension } from '../deadline/acceptance-deadline.js';
import { Receipts, type Receipt } from '../receipts.js';
import { utcSeconds } from '../utc.js';
import { actWrite } from './officer-acts.js';
import { OfficerCommands, type Order } from './officer-commands.js';
import type { ExtensionAnswer, ExtensionBody, HoldBody } from './officers.schema.js';

/** What one officer may do alone: holds of the CA and of courts, and more time for acceptance. */
@Injectable()
export class OfficersService {
  constructor(
    private readonly commands: OfficerCommands,
    private readonly changes: CardChanges,
    private readonly receipts: Receipts,
  ) {}

  /**
   * Puts up or lifts the hold of `holder`, and no other. Repeated, the same receipt.
   *
   * @throws CaError unknownCard | cardRevoked | cardExpired | cardNotSuspended (release) | idempotencyKeyReused
   */
  order(name: 'hold' | 'release', order: Order, { holder, ground }: HoldBody): Promise<Receipt> {
    return this.commands.run(name, order, { holder, ground }, async (tx) => {
      const { cardNumber, by } = order;
      const card = await lockKnownCard(tx, cardNumber);
      return this.changes.withReceipt(tx, card, { name, holder }, { act: name, by, ground });
    });
  }

  /**
   * Gives a card that is not accepted more time, and lifts the hold `deadline`. Repeated, the same answer.
   *
   * @throws CaError unknownCard | cardRevoked | cardExpired | cardAccepted | invalidRequest | idempotencyKeyReused
   */
  extend(order: Order, { until, ground }: ExtensionBody): Promise<ExtensionAnswer> {
    return this.commands.run('acceptance-deadline', order, { until, ground }, async (tx) => {
      const { cardNumber, by } = order;
      const card = await lockKnownCard(tx, cardNumber);
      refuseClosed(card);
      if (card.state.acceptedAt) throw new CaError('cardAccepted', `card ${cardNumber} is accepted`, { cardNumber });
      const acceptBy = endOfDay(new Date(`${until}T00:00:00+08:00`));
      if (card.acceptBy?.getTime() === acceptBy.getTime()) return this.extended(tx, card);
      checkExtension(card, acceptBy);
      await setAcceptBy(tx, cardNumber, acceptBy);
      const lifted = card.state.holds.deadline
        ? await this.changes.withReceipt(tx, card, { name: 'release', holder: 'deadline' })
        : undefined;
      const receipt = lifted?.id;
      await writeAtOnce(tx, [actWrite({ cardNumber, act: 'extend', by, ground, at: card.readAt, receipt })]);
      return this.extended(tx, await lockKnownCard(tx, cardNumber));
    });
  }

  /** With the receipt of the last release, if the deadline has ever held this card. */
  private async extended(
    tx: EntityManager,
    { identity, state, acceptBy, readAt }: LockedCard,
  ): Promise<ExtensionAnswer> {
    const { cardNumber } = identity;
    const lifted = state.lifted.includes('deadline') && !state.holds.deadline;
    const receipt = lifted ? await this.receipts.last(tx, cardNumber, 'deadline') : null;
    return { cardNumber, acceptBy: utcSeconds(acceptBy!), status: statusOf(state, readAt), receipt };
  }
}
