import type { Logger } from 'pino';
import { type JobOpener } from './job-opener.js';
import { unlock } from './pin/by-puk.js';
import type { CardGates } from './readers/card-gates.js';

/** Jobs for which nobody types anything: the centre's unlocking of a card that was sent in. */
export class UnlockService {
  constructor(
    private readonly gates: CardGates,
    private readonly jobs: JobOpener,
    private readonly log: Logger,
  ) {}

  /** @throws CaError sessionExpired | jobRefused | otherCard, and of the card; a fresh proof and job may follow */
  async unlock(order: { session: string; job: string; nonce: Buffer; origin: string }) {
    const { job, proof } = await this.jobs.open(order, ['unlock']);
    const done = await this.gates.use({ reader: proof.reader, permission: 'job' }, (card) =>
      unlock(card, job, proof, order.nonce),
    );
    this.log.info({ card: job.cardNumber, state: done.state }, 'unlocking a card');
    return done;
  }
}
