import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CaError } from '#libs/errors';
import type { CardRow } from '#libs/events';
import { saveCard, type LockedCard } from './card.js';
import {
  holderOf,
  standingHolds,
  statusOf,
  transition,
  type CardState,
  type Command,
  type CommandName,
} from './card-status.js';
import { Receipts, type Receipt } from './receipts.js';
import { obstacles } from './sentence.js';
import { StatusLog } from './status-log.js';

/** Every command but acceptance, which has an answer of its own. */
export type ReceiptedCommand = Command & { name: Exclude<CommandName, 'accept'> };

/** What a command does to a card, in the transaction that has locked the card's row. */
@Injectable()
export class CardChanges {
  constructor(
    private readonly log: StatusLog,
    private readonly receipts: Receipts,
  ) {}

  /**
   * Moves a locked card: row, list, card, event. What it does was decided once before the log's lock, which so is taken
   * only for a change, and is decided finally at the log's time.
   *
   * @param activation for an acceptance
   * @returns undefined when the card is already where the command would bring it
   * @throws CaError cardRevoked | cardExpired | cardHeld | cardNotSuspended
   */
  async carryOut(
    tx: EntityManager,
    card: LockedCard,
    command: Command,
    activation?: string,
  ): Promise<{ state: CardState; row: CardRow } | undefined> {
    if (decide(card, command, card.readAt) === 'already') return undefined;
    let state = card.state;
    const row = await this.log.append(tx, (at) => {
      const decided = decide(card, command, at);
      if (decided === 'already') throw new Error(`card ${card.identity.cardNumber} moved under its lock`);
      state = decided;
      return { card: card.identity, command, before: card.state, after: decided };
    });
    await saveCard(tx, card.identity.cardNumber, state, activation);
    return { state, row };
  }

  /**
   * The same with a receipt; a card that is already there has the last receipt of the same holder, or of its revocation.
   *
   * @throws CaError cardRevoked | cardExpired | cardNotSuspended
   */
  async withReceipt(
    tx: EntityManager,
    card: LockedCard,
    command: ReceiptedCommand,
  ): Promise<{ receipt: Receipt; changed: boolean }> {
    const holder = holderOf(command);
    const change = await this.carryOut(tx, card, command);
    if (!change) return { receipt: await this.receipts.last(tx, card.identity.cardNumber, holder), changed: false };
    const { state, row } = change;
    const receipt = await this.receipts.write(tx, row, {
      id: randomUUID(),
      command: command.name,
      holder,
      reason: command.name === 'revoke' ? command.reason : null,
      status: statusOf(state, new Date(row.at)),
    });
    return { receipt, changed: true };
  }
}

/** @throws CaError cardRevoked | cardExpired | cardHeld | cardNotSuspended */
export function decide({ identity, state }: LockedCard, command: Command, at: Date): CardState | 'already' {
  const outcome = transition(state, command, at);
  if (typeof outcome !== 'string' || outcome === 'already') return outcome;
  const { cardNumber } = identity;
  const cardStatus = statusOf(state, at);
  const standing = standingHolds(state);
  const inTheWay = cardStatus === 'suspended' && { sentence: obstacles(standing) };
  throw new CaError(outcome, `card ${cardNumber} is ${cardStatus}`, {
    cardNumber,
    cardStatus,
    standingHolds: standing,
    ...inTheWay,
  });
}

/** @throws CaError cardRevoked | cardExpired */
export function refuseClosed({ identity: { cardNumber }, state, readAt }: LockedCard): void {
  const cardStatus = statusOf(state, readAt);
  if (cardStatus !== 'revoked' && cardStatus !== 'expired') return;
  const code = cardStatus === 'revoked' ? 'cardRevoked' : 'cardExpired';
  throw new CaError(code, `card ${cardNumber} is ${cardStatus}`, { cardNumber, cardStatus });
}
