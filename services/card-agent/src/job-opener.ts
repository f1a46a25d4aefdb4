import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardJob, type CardJobKind, type CardJobOf, openCardJob } from '#libs/piv';
import type { CardService, ProofSession } from './card.service.js';

/** Opens what the centre signed for one proof of this agent, once. */
export class JobOpener {
  readonly #key: KeyObject;

  constructor(
    private readonly cards: CardService,
    private readonly clock: Clock,
    jobKey: JWK,
  ) {
    this.#key = createPublicKey({ key: jobKey, format: 'jwk' });
  }

  /** @throws CaError sessionExpired | jobRefused */
  async open<K extends CardJobKind>(
    { session, job: text, origin }: { session: string; job: string; origin: string },
    kinds: readonly K[],
  ): Promise<{ job: CardJobOf<K>; proof: ProofSession }> {
    const proof = this.cards.proofOf(session, origin);
    const { jobId, ...job } = await openCardJob(text, {
      verificationKey: this.#key,
      ephemeralKey: proof.ephemeralKey,
      cardNumber: proof.reading.facts.cardNumber,
      session,
      now: this.clock.now(),
    });
    if (proof.usedJobs.has(jobId)) throw new CaError('jobRefused', 'this job was used already');
    proof.usedJobs.add(jobId);
    if (!isOneOf(job, kinds)) throw new CaError('jobRefused', 'this job is for another door');
    return { job, proof };
  }
}

const isOneOf = <K extends CardJobKind>(job: CardJob, kinds: readonly K[]): job is CardJobOf<K> =>
  (kinds as readonly string[]).includes(job.kind);
