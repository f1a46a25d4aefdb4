import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull, MoreThan } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { activatedMessage, NONCE_BYTES, type Proof, verifyActivation } from '#libs/piv';
import { Activation } from './activation.entity.js';
import { Card } from './card.entity.js';
import { CardProofs } from './card-proof.js';
import { Centre } from './centre.js';
import { CodeCheck } from './code-check.js';
import { addEvidence } from './evidence.js';
import { PinJobs } from './pin-jobs.js';

export const NONCE_SECONDS = 120;
const ABANDONED_SECONDS = 3_600;

/** ended: out of time, or another session of the same card took over. */
export type ActivationState = 'started' | 'accepted' | 'activated' | 'ended';

export interface Accepted {
  state: 'accepted';
  /** JWE for the agent that proved the card; nobody else can open it. */
  pinJob: string;
  /** What 9C signs in the end. */
  nonce: Buffer;
}

/**
 * Opening a card (CARDS.md §3): docs/ACTIVATION.md has the same steps. Each can be repeated after a crash at any point:
 * whoever presses again starts a new session with a new proof, and the older session's job is void.
 */
@Injectable()
export class ActivationService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly proofs: CardProofs,
    private readonly codes: CodeCheck,
    private readonly centre: Centre,
    private readonly jobs: PinJobs,
    private readonly outbox: Outbox,
  ) {}

  /** The same for unknown cards and for those of the other way: found out by nobody without the card. */
  async start(cardNumber: string, way: 'A' | 'B'): Promise<{ id: string; nonce: Buffer }> {
    const nowMs = this.clock.nowMs();
    const session = { id: randomUUID(), cardNumber, way, nonce: randomBytes(NONCE_BYTES) };
    await this.source.query(
      `delete from activation where id in (select id from activation
         where accepted_at is null and expires_at < $1 order by expires_at limit 10 for update skip locked)`,
      [new Date(nowMs - ABANDONED_SECONDS * 1_000)],
    );
    await this.source.manager.insert(Activation, { ...session, expiresAt: new Date(nowMs + NONCE_SECONDS * 1_000) });
    return { id: session.id, nonce: session.nonce };
  }

  /** @throws CaError notFound */
  async state(id: string): Promise<ActivationState> {
    const session = await this.session(id);
    const card = await this.source.manager.findOneBy(Card, { cardNumber: session.cardNumber });
    if (card?.activatedBy === id) return 'activated';
    if (session.acceptedAt) return card?.liveActivation === id && !card.activatedAt ? 'accepted' : 'ended';
    return session.expiresAt > this.clock.now() ? 'started' : 'ended';
  }

  /**
   * @param from  source of the request, `sourceOf(address)`
   * @throws CaError sessionExpired | proofRefused | codeRefused | tooManyAttempts | tooBusy | cardNotActivatable |
   *                 cardRevoked | cardHeld | cardExpired | centreUnreachable
   */
  async accept(
    id: string,
    { proof, userCode, from }: { proof: Proof; userCode: string; from: string },
  ): Promise<Accepted> {
    const session = await this.useNonce(id);
    const { card, signed } = await this.proofs.verify(session, proof);
    await this.codes.check(session, card, userCode, from);
    if (card.activatedAt) throw new CaError('cardNotActivatable', 'this card was activated already');
    await addEvidence(this.source.manager, {
      slot: '9E',
      session,
      signed,
      signature: proof.signature,
      at: this.clock.now(),
    });
    const acceptedAt = await this.centre.accept(card.cardNumber, id);
    const nonce = randomBytes(NONCE_BYTES);
    const job = await this.release(session, { acceptedAt, nonce, proofSignature: proof.signature });
    const pinJob = await this.jobs.make(card, { session: id, agentKey: proof.ephemeralKey, ...job });
    return { state: 'accepted', pinJob, nonce };
  }

  /**
   * The card has its holder's PIN: 9C signed. Repeated, the answer is the same.
   *
   * @throws CaError notFound | conflict | proofRefused | sessionExpired when another session has the live job
   */
  async complete(id: string, signature: Buffer): Promise<void> {
    const session = await this.session(id);
    const { completionNonce: nonce, proofSignature } = session;
    if (!nonce || !proofSignature) throw new CaError('conflict', 'nothing was accepted in this session');
    const { signatureCertificate } = await this.source.manager.findOneByOrFail(Card, {
      cardNumber: session.cardNumber,
    });
    verifyActivation({ session: id, nonce, proofSignature, signature }, signatureCertificate);
    await this.source.transaction(async (tx) => {
      const card = await lockCard(tx, session.cardNumber);
      if (card.activatedBy === id) return;
      if (card.activatedAt || card.liveActivation !== id)
        throw new CaError('sessionExpired', 'another session took over');
      const at = this.clock.now();
      await tx.update(Card, card.cardNumber, { activatedAt: at, activatedBy: id });
      await addEvidence(tx, {
        slot: '9C',
        session,
        signed: activatedMessage(id, nonce, proofSignature),
        signature,
        at,
      });
      const data = { cardNumber: card.cardNumber, activation: id, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.activated', card.cardNumber, data, { source: 'acceptance', now: at }));
    });
  }

  /** Whatever comes of it, a nonce serves one attempt: of a hundred equal requests one goes on. */
  private async useNonce(id: string): Promise<Activation> {
    const session = await this.session(id);
    const now = this.clock.now();
    const fresh = { id, nonceUsedAt: IsNull(), expiresAt: MoreThan(now) };
    const { affected } = await this.source.manager.update(Activation, fresh, { nonceUsedAt: now });
    if (affected !== 1) throw new CaError('sessionExpired', 'the nonce was used or is too old; start again');
    return session;
  }

  /** From here on this session's job counts and no older one. Counted before it is sent: a lost answer may have been used. */
  private async release(
    { id, cardNumber }: Activation,
    { acceptedAt, nonce, proofSignature }: { acceptedAt: Date; nonce: Buffer; proofSignature: Buffer },
  ): Promise<{ jobId: string; earlierJob: boolean }> {
    const jobId = randomUUID();
    return this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (card.activatedAt) throw new CaError('cardNotActivatable', 'this card was activated already');
      await tx.update(Card, cardNumber, {
        acceptedAt: card.acceptedAt ?? acceptedAt,
        liveActivation: id,
        liveJob: jobId,
        jobsReleased: card.jobsReleased + 1,
      });
      await tx.update(Activation, id, { acceptedAt: this.clock.now(), completionNonce: nonce, proofSignature });
      return { jobId, earlierJob: card.jobsReleased > 0 };
    });
  }

  private async session(id: string): Promise<Activation> {
    const session = await this.source.manager.findOneBy(Activation, { id });
    if (!session) throw new CaError('notFound', 'no such activation');
    return session;
  }
}

function lockCard(tx: EntityManager, cardNumber: string): Promise<Card> {
  return tx.findOneOrFail(Card, { where: { cardNumber }, lock: { mode: 'pessimistic_write' } });
}
