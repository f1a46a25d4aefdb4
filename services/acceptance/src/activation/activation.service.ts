import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { activatedMessage, NONCE_BYTES, type Proof, verifyActivation } from '#libs/piv';
import { Card, lockCard, waitsForPin } from '../card.entity.js';
import { CardJobs } from '../card-jobs.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { HINTS } from '../hints.js';
import { Activation } from './activation.entity.js';
import { Centre } from './centre.js';
import { HolderSettings, type Settings } from './holder-settings.js';
import { checkForm, type Person, PersonCheck } from './person-check.js';
import { Sessions } from './sessions.js';

export interface Claim {
  proof: Proof;
  person: Person;
  /** Source of the request, `sourceOf(address)`. */
  from: string;
  /** Left for the PIN, as the agent read them before the proof. */
  pinTries?: number | undefined;
}

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
    private readonly sessions: Sessions,
    private readonly proofs: CardProofs,
    private readonly persons: PersonCheck,
    private readonly settings: HolderSettings,
    private readonly centre: Centre,
    private readonly jobs: CardJobs,
    private readonly outbox: Outbox,
  ) {}

  /**
   * @throws CaError invalidRequest | nationalIdUnusual | notFound | sessionExpired | proofRefused | codeRefused |
   *                 tooManyAttempts | tooBusy | cardNotActivatable | cardRevoked | cardHeld | cardExpired |
   *                 centreUnreachable | conflict when another session has set a user code meanwhile
   */
  async accept(id: string, { proof, person, from, pinTries }: Claim): Promise<Accepted> {
    const isUnusualIdConfirmed = checkForm(person, this.clock.now());
    const session = await this.sessions.useNonce(id);
    const { card, signed } = await this.proofs.verify(session, 'accept', proof);
    const knownBy = await this.persons.check(session, card, person, from);
    if (card.activatedAt) await this.refuseActivated(card, id);
    const settings = await this.settings.make(card.cardNumber, person, knownBy);
    const { signature } = proof;
    const at = this.clock.now();
    await addEvidence(this.source.manager, {
      ...{ slot: '9E', act: 'accept', session, signed, signature, at, isUnusualIdConfirmed, pinTries },
    });
    const acceptedAt = await this.centre.accept(card.cardNumber, id);
    return this.release(session, { acceptedAt, proof, settings });
  }

  /**
   * For a card whose certificates are accepted and which has no PIN of its holder: the PIN step was lost, or the card was
   * unlocked at the centre (CARDS.md §3). Nothing is accepted again.
   *
   * @throws CaError notFound | sessionExpired | proofRefused | codeRefused | tooManyAttempts | tooBusy |
   *                 cardNotActivatable | cardNotAccepted | cardRevoked | cardHeld | cardExpired | centreUnreachable
   */
  async resume(id: string, { proof, person, from, pinTries }: Claim): Promise<Accepted> {
    const session = await this.sessions.useNonce(id);
    const { card, signed } = await this.proofs.verify(session, 'resume-session', proof);
    await this.persons.check(session, card, person, from);
    if (!card.acceptedAt) throw new CaError('cardNotAccepted', 'press 進行憑證接受', { hint: HINTS.notAccepted });
    await this.centre.confirm(card.cardNumber, id);
    const { signature } = proof;
    const at = this.clock.now();
    await addEvidence(this.source.manager, { slot: '9E', act: 'resume', session, signed, signature, at, pinTries });
    return this.release(session, { acceptedAt: card.acceptedAt, proof, settings: undefined });
  }

  /**
   * The card has its holder's PIN: 9C signed. Repeated, the answer is the same.
   *
   * @throws CaError notFound | conflict | proofRefused | sessionExpired when another session has the live job
   */
  async complete(id: string, signature: Buffer): Promise<void> {
    const session = await this.sessions.find(id);
    const { completionNonce: nonce, proofSignature, cardNumber } = session;
    if (!nonce || !proofSignature) throw new CaError('conflict', 'nothing was accepted in this session');
    const { signatureCertificate } = await this.source.manager.findOneByOrFail(Card, { cardNumber });
    verifyActivation({ session: id, nonce, proofSignature, signature }, signatureCertificate);
    await this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (card.activatedBy === id || card.pinSetBy === id) return;
      if (!waitsForPin(card) || card.liveSession !== id) {
        throw new CaError('sessionExpired', 'another session took over');
      }
      const at = this.clock.now();
      const isFirst = card.activatedAt === null;
      await tx.update(Card, cardNumber, {
        ...{ unlockedAt: null, lockedAt: null },
        ...(isFirst ? { activatedAt: at, activatedBy: id } : { pinSetBy: id }),
      });
      const signed = activatedMessage(id, nonce, proofSignature);
      await addEvidence(tx, { slot: '9C', act: 'complete', session, signed, signature, at });
      if (!isFirst) return;
      const data = { cardNumber, activation: id, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.activated', cardNumber, data, { source: 'acceptance', now: at }));
    });
  }

  /** A card that is revoked, held or expired hears that first: 4931 is what its holder has to know. */
  private async refuseActivated({ cardNumber }: Card, id: string): Promise<never> {
    await this.centre.confirm(cardNumber, id);
    throw new CaError('cardNotActivatable', 'this card was activated already');
  }

  /** From here on this session's job counts and no older one. Counted before it is sent: a lost answer may have been used. */
  private async release(
    { id, cardNumber }: Activation,
    { acceptedAt, proof, settings }: { acceptedAt: Date; proof: Proof; settings: Settings | undefined },
  ): Promise<Accepted> {
    const nonce = randomBytes(NONCE_BYTES);
    const jobId = randomUUID();
    const before = await this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (!waitsForPin(card)) throw new CaError('cardNotActivatable', 'this card was activated already');
      if (settings) await this.settings.put(tx, settings);
      await tx.update(Card, cardNumber, {
        acceptedAt: card.acceptedAt ?? acceptedAt,
        liveSession: id,
        liveJob: jobId,
        jobsReleased: card.jobsReleased + 1,
      });
      const proofSignature = proof.signature;
      await tx.update(Activation, id, { acceptedAt: this.clock.now(), completionNonce: nonce, proofSignature });
      return card;
    });
    const earlierJob = before.jobsReleased > before.jobsBeforeUnlock;
    const pinJob = await this.jobs.setPin(before, { session: id, jobId, agentKey: proof.ephemeralKey }, earlierJob);
    return { state: 'accepted', pinJob, nonce };
  }
}
