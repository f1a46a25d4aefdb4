import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Write } from '#libs/database';
import { CaError } from '#libs/errors';
import type { CardRow } from '#libs/events';
import { cardWrite, type LockedCard } from './card.js';
import {
  holderOf,
  standingHolds,
  statusOf,
  transition,
  type CardState,
  type Command,
  type CommandName,
} from './card-status.js';
import { actWrite, type OfficerAct } from './officers/officer-acts.js';
import { Receipts, type Receipt } from './receipts.js';
import { obstacles } from './sentence.js';
import { StatusLog } from './status-log.js';

/** Every command but acceptance, which has an answer of its own. */
export type ReceiptedCommand = Command & { name: Exclude<CommandName, 'accept'> };

/** Who is on record for a command, and why. */
export type OnRecord = Pick<OfficerAct, 'act' | 'by' | 'ground' | 'request'>;

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
   * @param also what is written with it
   * @returns undefined when the card is already where the command would bring it
   * @throws CaError cardRevoked | cardExpired | cardHeld | cardNotSuspended
   */
  async carryOut(
    tx: EntityManager,
    card: LockedCard,
    command: Command,
    { activation, also }: { activation?: string; also?: (row: CardRow, state: CardState) => Write[] } = {},
  ): Promise<CardState | undefined> {
    if (decide(card, command, card.readAt) === 'already') return undefined;
    const { cardNumber } = card.identity;
    const { after } = await this.log.append(
      tx,
      (at) => {
        const decided = decide(card, command, at);
        if (decided === 'already') throw new Error(`card ${cardNumber} moved under its lock`);
        return { card: card.identity, command, before: card.state, after: decided };
      },
      (row, { after }) => [cardWrite(cardNumber, after, activation), ...(also?.(row, after) ?? [])],
    );
    return after;
  }

  /**
   * The same with a receipt; a card that is already there has the last receipt of the same holder, or of its revocation.
   *
   * @param record what is kept of it beside the receipt
   * @throws CaError cardRevoked | cardExpired | cardNotSuspended
   */
  async withReceipt(
    tx: EntityManager,
    card: LockedCard,
    command: ReceiptedCommand,
    record?: OnRecord,
  ): Promise<Receipt> {
    const holder = holderOf(command);
    const { cardNumber } = card.identity;
    let receipt: Receipt | undefined;
    await this.carryOut(tx, card, command, {
      also: (row, state) => {
        const made = this.receipts.make(row, {
          id: randomUUID(),
          command: command.name,
          holder,
          reason: command.name === 'revoke' ? command.reason : null,
          status: statusOf(state, new Date(row.at)),
        });
        receipt = made.receipt;
        const { id, at } = receipt;
        return [made.write, ...(record ? [actWrite({ ...record, cardNumber, at, receipt: id })] : [])];
      },
    });
    return receipt ?? this.receipts.last(tx, cardNumber, holder);
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
