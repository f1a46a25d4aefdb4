import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Pepper } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { CardRow, EventData } from '#libs/events';
import { Idempotency } from '#libs/idempotency';
import { insertCard, lockCard, saveCard, type CardMarks, type LockedCard } from './card.js';
import { standingHolds, statusOf, transition, type CardState, type CardStatus, type Command } from './card-status.js';
import { Receipts, type Receipt, type SubscriberCommand } from './receipts.js';
import { StatusLog } from './status-log.js';
import { UserCodes, type Claim } from './user-codes.js';

const PATHS = { suspend: 'suspension', resume: 'resumption' } as const;
/** A code that is replaced while it is checked is checked again; more often than this is no coincidence. */
const MAX_CHECKS = 3;

class VerifierReplaced extends Error {}

/** The commands that move a card. Everything here needs this process, its own schema and the pepper, nothing else. */
@Injectable()
export class SuspensionService {
  constructor(
    private readonly source: DataSource,
    private readonly log: StatusLog,
    private readonly userCodes: UserCodes,
    private readonly receipts: Receipts,
    private readonly idempotency: Idempotency,
    private readonly pepper: Pepper,
  ) {}

  /** A card was issued: known from now on, waiting for acceptance. */
  track(tx: EntityManager, card: EventData<'certificate.issued'>): Promise<void> {
    return insertCard(tx, card);
  }

  /**
   * Its own verifier's answer comes first: before the code was right nothing is told of the card but `codeRefused`.
   *
   * @param key Idempotency-Key
   * @throws CaError codeRefused | tooManyAttempts | attemptsLocked | tooBusy | cardRevoked | cardExpired |
   *                 cardNotSuspended (resume) | idempotencyKeyReused
   */
  async command(command: SubscriberCommand, claim: Claim, key?: string): Promise<Receipt> {
    for (let checks = 0; checks < MAX_CHECKS; checks++) {
      const generation = await this.userCodes.prove(command, claim);
      try {
        return await this.source.transaction((tx) => this.once(tx, command, claim, generation, key));
      } catch (error) {
        if (!(error instanceof VerifierReplaced)) throw error;
      }
    }
    throw new CaError('tooBusy', 'the user code is being changed', { retryAfterSeconds: 1 });
  }

  /**
   * The card's holder has confirmed that the certificates are right. Idempotent, whatever the activation.
   *
   * @throws CaError unknownCard | cardRevoked | cardExpired | cardHeld
   */
  async accept(cardNumber: string, activation: string): Promise<{ status: CardStatus; acceptedAt: string }> {
    return this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (!card) throw new CaError('unknownCard', `card ${cardNumber} is not known here yet`);
      const change = await this.carryOut(tx, card, { name: 'accept' }, { activation });
      const state = change?.state ?? card.state;
      return { status: statusOf(state, card.readAt), acceptedAt: state.acceptedAt!.toISOString() };
    });
  }

  private once(tx: EntityManager, command: SubscriberCommand, claim: Claim, generation: number, key?: string) {
    const { cardNumber, userCode } = claim;
    const run = () => this.change(tx, command, cardNumber, generation);
    if (key === undefined) return run();
    const endpoint = `POST /cards/{n}/${PATHS[command]}`;
    const requestHash = this.pepper.secretHash({ cardNumber, userCode });
    return this.idempotency.run(tx, { key, endpoint, requestHash }, run);
  }

  private async change(
    tx: EntityManager,
    command: SubscriberCommand,
    cardNumber: string,
    generation: number,
  ): Promise<Receipt> {
    const card = await lockCard(tx, cardNumber);
    if (card?.generation !== generation) throw new VerifierReplaced();
    const receiptId = randomUUID();
    const change = await this.carryOut(tx, card, { name: command }, { receiptId });
    if (!change) return this.receipts.read(card.receiptId!, tx);
    const status = statusOf(change.state, new Date(change.row.at));
    return this.receipts.write(tx, receiptId, command, status, change.row);
  }

  /**
   * Moves a locked card: row, list, card, event. What it does was decided once before the log's lock, which so is taken
   * only for a change, and is decided finally at the log's time.
   *
   * @returns undefined when the card is already where the command would bring it
   * @throws CaError cardRevoked | cardExpired | cardHeld | cardNotSuspended
   */
  async carryOut(
    tx: EntityManager,
    card: LockedCard,
    command: Command,
    marks: CardMarks = {},
  ): Promise<{ state: CardState; row: CardRow } | undefined> {
    if (decide(card, command, card.readAt) === 'already') return undefined;
    let state = card.state;
    const row = await this.log.append(tx, (at) => {
      const decided = decide(card, command, at);
      if (decided === 'already') throw new Error(`card ${card.identity.cardNumber} moved under its lock`);
      state = decided;
      return { card: card.identity, command, before: card.state, after: decided };
    });
    await saveCard(tx, card.identity.cardNumber, state, marks);
    return { state, row };
  }
}

function decide({ identity: { cardNumber }, state }: LockedCard, command: Command, at: Date): CardState | 'already' {
  const outcome = transition(state, command, at);
  if (typeof outcome !== 'string' || outcome === 'already') return outcome;
  const status = statusOf(state, at);
  throw new CaError(outcome, `card ${cardNumber} is ${status}`, {
    cardNumber,
    cardStatus: status,
    standingHolds: standingHolds(state),
  });
}
