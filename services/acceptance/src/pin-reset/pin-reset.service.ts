import { randomBytes, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { NONCE_BYTES, pinResetMessage, type Proof, verifyPinReset } from '#libs/piv';
import { Centre } from '../activation/centre.js';
import { Card, lockCard } from '../card.entity.js';
import { CardJobs } from '../card-jobs.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence, type Evidence } from '../evidence.js';
import { HINTS } from '../hints.js';
import { findSession, forgetAbandoned, newNonce, useNonce } from '../nonce.js';
import { isLastOnline, pukJobSent, pukRotated, refuseWornPuk } from '../puk.js';
import { OneTimeCodes } from '../one-time-code.js';
import { UserCodes } from '../user-code/user-codes.js';
import { PinReset } from './pin-reset.entity.js';

/** false: card and user code are enough for a new PIN, and no code is mailed. */
export const PIN_RESET_CODE_IS_MAILED = 'PIN_RESET_CODE_IS_MAILED';

/** `ended`: out of time, or another session of the card took over. */
export const PIN_RESET_STATES = ['started', 'code-sent', 'released', 'done', 'ended'] as const;
export type PinResetState = (typeof PIN_RESET_STATES)[number];

export interface ResetClaim {
  proof: Proof;
  userCode: string;
  /** From the mail that an earlier session had sent. */
  emailCode?: string | undefined;
  /** Source of the request, `sourceOf(address)`. */
  from: string;
}

/** `lastOnline`: the job that was made, or will be made with the code, is the last one online. */
export type Released = { lastOnline: boolean } & (
  | { state: 'code-sent'; codeExpiresAt: Date }
  /** JWE for the agent that proved the card, and what 9C signs in the end. */
  | { state: 'released'; job: string; nonce: Buffer }
);

/**
 * A new PIN for an accepted card whose PIN is forgotten or blocked (忘記 PIN 碼, 鎖卡解碼; CARDS.md §3). docs/PIN.md has
 * the steps. Whoever presses again starts a new session with a new proof, and the older session's job is void.
 */
@Injectable()
export class PinResetService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly proofs: CardProofs,
    private readonly attempts: AttemptStore,
    private readonly hasher: CodeHasher,
    private readonly userCodes: UserCodes,
    private readonly emailCodes: OneTimeCodes,
    private readonly centre: Centre,
    private readonly jobs: CardJobs,
    private readonly outbox: Outbox,
    @Inject(PIN_RESET_CODE_IS_MAILED) private readonly codeIsMailed: boolean,
  ) {}

  /** The same for unknown cards. Anybody may begin, so what nobody went on with goes. */
  async start(cardNumber: string): Promise<{ id: string; nonce: Buffer }> {
    const session = newNonce(this.clock);
    await forgetAbandoned(this.source, PinReset, { until: ['codeRequestedAt', 'releasedAt'], now: this.clock.now() });
    await this.source.manager.insert(PinReset, { ...session, cardNumber });
    return session;
  }

  /**
   * @throws CaError notFound | sessionExpired | proofRefused | codeRefused | oneTimeCodeRefused | tooManyAttempts |
   *                 attemptsLocked | tooBusy | cardNotAccepted | cardRevoked | cardHeld | cardExpired | cardNeedsCentre |
   *                 centreUnreachable: nothing was released
   */
  async release(id: string, claim: ResetClaim): Promise<Released> {
    const { proof } = claim;
    const session = await useNonce(this.source, PinReset, { id, now: this.clock.now() });
    const { card, signed } = await this.proofs.verify(session, 'pin-reset', proof);
    await this.checkCodes(card, claim);
    if (!card.acceptedAt) {
      throw new CaError('cardNotAccepted', 'it has no PIN of its holder yet', { hint: HINTS.notAccepted });
    }
    await this.centre.confirm(card.cardNumber, id);
    refuseWornPuk(card, 'online');
    const evidence = { slot: '9E', act: 'reset-pin', session, signed, signature: proof.signature } as const;
    if (this.codeIsMailed && claim.emailCode === undefined) {
      return { ...(await this.sendCode(session, evidence)), lastOnline: isLastOnline(card) };
    }
    const nonce = randomBytes(NONCE_BYTES);
    const { before, jobId } = await this.count(session, nonce, evidence);
    const job = await this.jobs.resetPin(before, { session: id, jobId, agentKey: proof.ephemeralKey });
    return { state: 'released', job, nonce, lastOnline: isLastOnline(before) };
  }

  /**
   * The card has its holder's PIN and the next PUK: 9C signed. Repeated, the answer is the same.
   *
   * @throws CaError notFound | conflict | proofRefused | sessionExpired when another session has the live job
   */
  async complete(id: string, signature: Buffer): Promise<void> {
    const session = await findSession(this.source, PinReset, id);
    const { completionNonce: nonce, proofSignature, cardNumber } = session;
    if (!nonce || !proofSignature) throw new CaError('conflict', 'nothing was released in this session');
    const { signatureCertificate } = await this.source.manager.findOneByOrFail(Card, { cardNumber });
    verifyPinReset({ session: id, nonce, proofSignature, signature }, signatureCertificate);
    const signed = pinResetMessage(id, nonce, proofSignature);
    await this.source.transaction(async (tx) => {
      const card = await lockCard(tx, cardNumber);
      if (card.pinSetBy === id) return;
      if (card.liveSession !== id) throw new CaError('sessionExpired', 'another session took over');
      const at = this.clock.now();
      const activates = card.activatedAt === null;
      await tx.update(Card, cardNumber, {
        ...pukRotated(card),
        ...{ pinSetBy: id, unlockedAt: null, lockedAt: null },
        ...(activates && { activatedAt: at, activatedBy: id }),
      });
      await tx.update(PinReset, id, { completedAt: at });
      await this.emailCodes.spend(tx, 'pin-reset', cardNumber);
      await addEvidence(tx, { slot: '9C', act: 'complete-reset', session, signed, signature, at });
      if (!activates) return;
      const data = { cardNumber, activation: id, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.activated', cardNumber, data, { source: 'acceptance', now: at }));
    });
  }

  /** @throws CaError notFound */
  async state(id: string): Promise<PinResetState> {
    const session = await findSession(this.source, PinReset, id);
    if (session.completedAt) return 'done';
    if (session.codeRequestedAt) return 'code-sent';
    if (session.releasedAt) {
      const isLive = await this.source.manager.existsBy(Card, { cardNumber: session.cardNumber, liveSession: id });
      return isLive ? 'released' : 'ended';
    }
    return !session.nonceUsedAt && session.expiresAt > this.clock.now() ? 'started' : 'ended';
  }

  /**
   * Both codes in one attempt, so that knowing the first gives no free guesses at the second; a card without a code
   * costs and answers what a wrong one does.
   */
  private async checkCodes({ cardNumber }: Card, { userCode, emailCode, from }: ResetClaim): Promise<void> {
    const { 'user-code': known } = await this.userCodes.verifiersOf(cardNumber);
    let wrong: 'codeRefused' | 'oneTimeCodeRefused' = 'codeRefused';
    const attempt = { cardNumber, purpose: 'pin-reset', source: from, proven: true } as const;
    const right = await this.attempts.check(attempt, async () => {
      if (!(await this.hasher.verify(known?.verifier, userCode))) return false;
      wrong = 'oneTimeCodeRefused';
      return (
        !this.codeIsMailed || emailCode === undefined || this.emailCodes.isRight('pin-reset', { cardNumber }, emailCode)
      );
    });
    if (!right) throw new CaError(wrong, 'check capital letters, or see the e-mail that was sent last');
  }

  private async sendCode(session: PinReset, evidence: Omit<Evidence, 'at'>) {
    const code = await this.emailCodes.make('pin-reset', session);
    await this.source.transaction(async (tx) => {
      await lockCard(tx, session.cardNumber);
      await this.emailCodes.put(tx, session, code);
      await addEvidence(tx, { ...evidence, at: code.at });
      await this.outbox.add(tx, code.event);
    });
    return { state: 'code-sent' as const, codeExpiresAt: code.expiresAt };
  }

  /** From here on this session's job counts and no older one: before it is sent, since its answer may be lost. */
  private async count(session: PinReset, nonce: Buffer, evidence: Omit<Evidence, 'at'>) {
    const jobId = randomUUID();
    const { id, cardNumber } = session;
    return this.source.transaction(async (tx) => {
      const before = await lockCard(tx, cardNumber);
      refuseWornPuk(before, 'online');
      const at = this.clock.now();
      await tx.update(Card, cardNumber, {
        ...pukJobSent(before),
        ...{ liveSession: id, liveJob: jobId, jobsReleased: before.jobsReleased + 1 },
      });
      const proofSignature = evidence.signature;
      await tx.update(PinReset, id, { releasedAt: at, proofSignature, completionNonce: nonce });
      await addEvidence(tx, { ...evidence, at });
      return { before, jobId };
    });
  }
}
