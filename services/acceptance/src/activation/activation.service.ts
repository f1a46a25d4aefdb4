import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { activatedMessage, NONCE_BYTES, type Proof, verifyActivation } from '#libs/piv';
import { Card, lockCard } from '../card.entity.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { Activation } from './activation.entity.js';
import { Centre } from './centre.js';
import { HolderSettings, type Settings } from './holder-settings.js';
import { checkForm, type Person, PersonCheck } from './person-check.js';
import { PinJobs } from './pin-jobs.js';
import { Sessions } from './sessions.js';

export interface Claim {
  proof: Proof;
  person: Person;
  /** Source of the request, `sourceOf(address)`. */
  from: string;
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
    private readonly jobs: PinJobs,
    private readonly outbox: Outbox,
  ) {}

  /**
   * @throws CaError invalidRequest | nationalIdUnusual | notFound | sessionExpired | proofRefused | codeRefused |
   *                 tooManyAttempts | tooBusy | cardNotActivatable | cardRevoked | cardHeld | cardExpired |
   *                 centreUnreachable | conflict when another session has set a user code meanwhile
   */
  async accept(id: string, { proof, person, from }: Claim): Promise<Accepted> {
    const isUnusualIdConfirmed = checkForm(person, this.clock.now());
    const session = await this.sessions.useNonce(id);
    const { card, signed } = await this.proofs.verify(session, 'accept', proof);
    const knownBy = await this.persons.check(session, card, person, from);
    if (card.activatedAt) await this.refuseActivated(card, id);
    const settings = await this.settings.make(card.cardNumber, person, knownBy);
    const { signature } = proof;
    const at = this.clock.now();
    await addEvidence(this.source.manager, {
      ...{ slot: '9E', act: 'accept', session, signed, signature, at, isUnusualIdConfirmed },
    });
    const acceptedAt = await this.centre.accept(card.cardNumber, id);
    const nonce = randomBytes(NONCE_BYTES);
    const job = await this.release(session, { acceptedAt, nonce, proofSignature: signature, settings });
    const pinJob = await this.jobs.make(card, { session: id, agentKey: proof.ephemeralKey, ...job });
    return { state: 'accepted', pinJob, nonce };
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
      if (card.activatedBy === id) return;
      if (card.activatedAt || card.liveActivation !== id)
        throw new CaError('sessionExpired', 'another session took over');
      const at = this.clock.now();
      await tx.update(Card, cardNumber, { activatedAt: at, activatedBy: id });
      const signed = activatedMessage(id, nonce, proofSignature);
      await addEvidence(tx, { slot: '9C', act: 'complete', session, signed, signature, at });
      const data = { cardNumber, activation: id, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.activated', cardNumber, data, { source: 'acceptance', now: at }));
    });
  }

  /** A card that is revoked, held or expired hears that first: 4931 is what its holder has to know. */
  private async refuseActivated({ cardNumber }: Card, id: string): Promise<never> {
    await this.centre.accept(cardNumber, id); // accepted already: this only asks
    throw new CaError('cardNotActivatable', 'this card was activated already');
  }

  /** From here on this session's job counts and no older one. Counted before it is sent: a lost answer may have been used. */
  private async release(
    { id, cardNumber }: Activation,
    released: { acceptedAt: Date; nonce: Buffer; proofSignature: Buffer; settings: Settings | undefined },
  ): Promise<{ jobId: string; earlierJob: boolean }> {
    const { acceptedAt, nonce, proofSignature, settings } = released;
    const jobId = randomUUID();
    return this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (card.activatedAt) throw new CaError('cardNotActivatable', 'this card was activated already');
      if (settings) await this.settings.put(tx, settings);
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
}
