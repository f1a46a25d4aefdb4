import type { KeyObject } from 'node:crypto';
import { deriveTransportPin } from '#libs/credentials';
import { makeCardJob } from '#libs/piv';
import type { Clock } from '#libs/clock';
import type { Card } from '../card.entity.js';

/** Of every card until masters are rotated and locked cards unlocked (CARDS.md §2). */
const TRANSPORT_PIN = { keyVersion: 1, generation: 1 };

/** Makes the one message with a transport PIN in it: sealed to the agent that proved the card, never stored. */
export class PinJobs {
  constructor(
    private readonly transportMaster: KeyObject,
    private readonly signingKey: KeyObject,
    private readonly clock: Clock,
  ) {}

  make(card: Card, job: { session: string; jobId: string; agentKey: Buffer; earlierJob: boolean }): Promise<string> {
    const { cardNumber, cardUuid } = card;
    const { session, jobId, agentKey, earlierJob } = job;
    const transportPin = deriveTransportPin({ master: this.transportMaster, ...TRANSPORT_PIN, cardUuid, cardNumber });
    return makeCardJob(
      { kind: 'set-pin', cardNumber, session, transportPin, earlierJob },
      { signingKey: this.signingKey, agentKey, now: this.clock.now(), jobId },
    );
  }
}
