import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull, Not } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { NONCE_BYTES, type Proof, unlockedMessage, verifyUnlocked } from '#libs/piv';
import { Card, lockCard } from '../card.entity.js';
import { CardJobs } from '../card-jobs.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { KnownCards } from '../known-cards.js';
import { findSession, newNonce, useNonce } from '../nonce.js';
import { pukJobSent, pukRotated, refuseWornPuk } from '../puk.js';
import { UnlockRequestsService } from './unlock-requests.service.js';
import { UnlockSession } from './unlock-session.entity.js';
import { MOST_JOBS_A_REQUEST, usedUpAmong } from './used-up.js';

export interface Unlocked {
  cardNumber: string;
  transportGeneration: number;
  pukGeneration: number;
}

/**
 * 解卡 at the centre (CARDS.md §3): the card gets the next generation's transport PIN, and another PUK. docs/PIN.md has
 * the steps. Neither PIN nor PUK is seen by the officers: both pass from the job to the card.
 */
@Injectable()
export class UnlocksService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly requests: UnlockRequestsService,
    private readonly proofs: CardProofs,
    private readonly known: KnownCards,
    private readonly jobs: CardJobs,
    private readonly attempts: AttemptStore,
    private readonly outbox: Outbox,
  ) {}

  /** @throws CaError notFound | conflict | requestExpired, of the request */
  async start(request: string, by: string): Promise<{ id: string; nonce: Buffer; cardNumber: string }> {
    const cardNumber = await this.requests.approved(request);
    const session = newNonce(this.clock);
    await this.source.manager.insert(UnlockSession, { ...session, cardNumber, request, startedBy: by });
    return { ...session, cardNumber };
  }

  /**
   * A job that was sent and not seen to its end is void from now on; this one finds out how far it came.
   *
   * @throws CaError notFound | sessionExpired | proofRefused | conflict when the request has had its jobs, or is done |
   *                 requestExpired | cardRevoked | cardExpired | cardNeedsCentre: it is defective
   */
  async release(id: string, proof: Proof): Promise<{ job: string; nonce: Buffer }> {
    const session = await useNonce(this.source, UnlockSession, { id, now: this.clock.now() });
    await this.requests.approved(session.request);
    const { card, signed } = await this.proofs.verify(session, 'unlock', proof);
    await this.known.refuseRevoked(card.cardNumber, this.source.manager);
    if (new Date(new X509Certificate(card.signatureCertificate).validTo) < this.clock.now()) {
      throw new CaError('cardExpired', `the certificates of card ${card.cardNumber} have expired`);
    }
    const nonce = randomBytes(NONCE_BYTES);
    const jobId = randomUUID();
    const { signature } = proof;
    const before = await this.source.transaction(async (tx) => {
      const locked = await lockCard(tx, card.cardNumber);
      await this.refuseUsedUp(tx, session.request);
      refuseWornPuk(locked, 'centre');
      const at = this.clock.now();
      await tx.update(Card, card.cardNumber, {
        ...pukJobSent(locked),
        ...{ liveSession: id, liveJob: jobId, jobsReleased: locked.jobsReleased + 1 },
      });
      await tx.update(UnlockSession, id, { releasedAt: at, proofSignature: signature, completionNonce: nonce });
      await addEvidence(tx, { slot: '9E', act: 'unlock', session, signed, signature, at });
      return locked;
    });
    return { job: await this.jobs.unlock(before, { session: id, jobId, agentKey: proof.ephemeralKey }), nonce };
  }

  /**
   * The card took the new transport PIN and the next PUK: 9E signed. Whoever was guessing at its user code without it
   * has locked a door that two officers have opened. Repeated, the answer is the same.
   *
   * @throws CaError notFound | conflict | proofRefused | sessionExpired when another session has the live job
   */
  async complete(id: string, signature: Buffer, by: string): Promise<Unlocked> {
    const session = await findSession(this.source, UnlockSession, id);
    const { completionNonce: nonce, proofSignature, cardNumber } = session;
    if (!nonce || !proofSignature) throw new CaError('conflict', 'nothing was released in this session');
    const { cardAuthenticationCertificate } = await this.source.manager.findOneByOrFail(Card, { cardNumber });
    verifyUnlocked({ session: id, nonce, proofSignature, signature }, cardAuthenticationCertificate);
    const signed = unlockedMessage(id, nonce, proofSignature);
    return this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (await tx.existsBy(UnlockSession, { id, completedAt: Not(IsNull()) })) return unlockedOf(card);
      if (card.liveSession !== id) throw new CaError('sessionExpired', 'another session took over');
      const at = this.clock.now();
      const after = {
        ...pukRotated(card),
        transportGeneration: card.transportGeneration + 1,
        ...{ jobsBeforeUnlock: card.jobsReleased, unlockedAt: at, lockedAt: null },
      };
      await tx.update(Card, cardNumber, after);
      await tx.update(UnlockSession, id, { completedAt: at, completedBy: by });
      await addEvidence(tx, { slot: '9E', act: 'complete-unlock', session, signed, signature, at });
      await this.attempts.unlock(cardNumber, 'pin-reset', tx);
      const unlocked = unlockedOf({ ...card, ...after });
      const data = { ...unlocked, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.unlocked', cardNumber, data, { source: 'acceptance', now: at }));
      return unlocked;
    });
  }

  private async refuseUsedUp(tx: EntityManager, request: string): Promise<void> {
    const usedUp = (await usedUpAmong(tx, [request])).get(request);
    if (usedUp === 'unlocked') throw new CaError('conflict', 'the card is unlocked already');
    if (usedUp === 'no-job-left') {
      throw new CaError(
        'conflict',
        `${MOST_JOBS_A_REQUEST} jobs came to no end that was seen; ask for another approval`,
      );
    }
  }
}

const unlockedOf = ({ cardNumber, transportGeneration, pukGeneration }: Card): Unlocked => ({
  ...{ cardNumber, transportGeneration, pukGeneration },
});
