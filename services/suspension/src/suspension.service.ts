import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Pepper } from '#libs/credentials';
import { CaError } from '#libs/errors';
import type { EventData } from '#libs/events';
import { Idempotency } from '#libs/idempotency';
import { insertCard, lockCard, lockKnownCard } from './card.js';
import { CardChanges } from './card-changes.js';
import { statusOf, type CardStatus } from './card-status.js';
import { acceptBy, DeadlineSettings } from './deadline/acceptance-deadline.js';
import type { Receipt } from './receipts.js';
import { UserCodes, type Claim } from './user-codes.js';

type SubscriberCommand = 'suspend' | 'resume';
const PATHS = { suspend: 'suspension', resume: 'resumption' } as const;
/** A code that is replaced while it is checked is checked again; more often than this is no coincidence. */
const MAX_CHECKS = 3;

class VerifierReplaced extends Error {}

/** The commands of a card's holder. Everything here needs this process, its own schema and the pepper, nothing else. */
@Injectable()
export class SuspensionService {
  constructor(
    private readonly source: DataSource,
    private readonly changes: CardChanges,
    private readonly userCodes: UserCodes,
    private readonly idempotency: Idempotency,
    private readonly pepper: Pepper,
    private readonly deadline: DeadlineSettings,
  ) {}

  /** A card was issued: known from now on, waiting for acceptance. */
  track(tx: EntityManager, card: EventData<'certificate.issued'>): Promise<void> {
    return insertCard(tx, card, acceptBy(new Date(card.notBefore), this.deadline.days));
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
      const card = await lockKnownCard(tx, cardNumber);
      const state = (await this.changes.carryOut(tx, card, { name: 'accept' }, { activation })) ?? card.state;
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
    return this.changes.withReceipt(tx, card, { name: command });
  }
}
