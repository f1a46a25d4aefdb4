import type { KeyObject } from 'node:crypto';
import type { Clock } from '#libs/clock';
import { derivePuk, deriveTransportPin, randomDigits } from '#libs/credentials';
import { type CardJob, makeCardJob } from '#libs/piv';
import type { Card } from './card.entity.js';
import { nextPuk, pukGenerations } from './puk.js';

const ONE_USE_PIN_DIGITS = 8;

/** Which session a job is for, and the agent that alone can open it. */
export interface JobFor {
  session: string;
  jobId: string;
  agentKey: Buffer;
}

/** Masters, by what is derived from them. */
export interface Masters {
  transport: KeyObject;
  puk: KeyObject;
}

/**
 * Makes the only messages with a card's secrets in them: sealed to the agent that proved the card, never stored. Whoever
 * calls has counted the job in the card's row, and gives the row as it was before.
 */
export class CardJobs {
  constructor(
    private readonly masters: Masters,
    private readonly signingKey: KeyObject,
    private readonly clock: Clock,
  ) {}

  /** Sets the holder's PIN in the place of the transport PIN. */
  setPin(card: Card, to: JobFor, earlierJob: boolean): Promise<string> {
    const transportPin = this.transportPin(card, card.transportGeneration);
    return this.make(to, { ...this.of(card, to), kind: 'set-pin', transportPin, earlierJob });
  }

  /** Sets the holder's PIN whatever the PIN is, by the PUK. The PIN in between serves for a moment. */
  resetPin(card: Card, to: JobFor): Promise<string> {
    const oneUsePin = randomDigits(ONE_USE_PIN_DIGITS);
    return this.make(to, { ...this.of(card, to), kind: 'reset-pin', ...this.puks(card), oneUsePin });
  }

  /** Sets the next generation's transport PIN, by the PUK. */
  unlock(card: Card, to: JobFor): Promise<string> {
    const transportPin = this.transportPin(card, card.transportGeneration + 1);
    return this.make(to, { ...this.of(card, to), kind: 'unlock', ...this.puks(card), transportPin });
  }

  private puks(card: Card): { puks: string[]; nextPuk: string } {
    const puk = (generation: number) => derivePuk({ master: this.masters.puk, ...secretOf(card), generation });
    return { puks: pukGenerations(card).map(puk), nextPuk: puk(nextPuk(card)) };
  }

  private transportPin(card: Card, generation: number): string {
    return deriveTransportPin({ master: this.masters.transport, ...secretOf(card), generation });
  }

  private of({ cardNumber }: Card, { session }: JobFor) {
    return { cardNumber, session };
  }

  private make({ agentKey, jobId }: JobFor, job: CardJob): Promise<string> {
    return makeCardJob(job, { signingKey: this.signingKey, agentKey, now: this.clock.now(), jobId });
  }
}

const secretOf = ({ keyVersion, cardUuid, cardNumber }: Card) => ({ keyVersion, cardUuid, cardNumber });
