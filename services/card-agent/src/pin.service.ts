import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { Logger } from 'pino';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { openCardJob, pinFits, type CardProfile } from '#libs/piv';
import { SESSION_SECONDS } from './agent.config.js';
import type { CardService } from './card.service.js';
import { type PinSession, type PinState, setPin } from './pin-session.js';
import type { CardGate } from './reader.js';

const MAX_SESSIONS = 20;

/** The pages on which a holder sets a PIN. The PIN passes through `submit` alone and is kept nowhere. */
export class PinService {
  readonly #sessions = new Map<string, PinSession>();
  readonly #jobKey: KeyObject;

  constructor(
    private readonly gate: CardGate,
    private readonly cards: CardService,
    private readonly clock: Clock,
    private readonly log: Logger,
    jobKey: JWK,
  ) {
    this.#jobKey = createPublicKey({ key: jobKey, format: 'jwk' });
  }

  /** Opens a page for the job that answers this session's proof. @throws CaError sessionExpired | jobRefused */
  async open(session: string, job: string, nonce: Buffer, origin: string): Promise<string> {
    const proof = this.cards.proofOf(session, origin);
    const { jobId, ...opened } = await openCardJob(job, {
      verificationKey: this.#jobKey,
      ephemeralKey: proof.ephemeralKey,
      cardNumber: proof.reading.facts.cardNumber,
      session,
      now: this.clock.now(),
    });
    if (proof.usedJobs.has(jobId)) throw new CaError('jobRefused', 'this job was used already');
    proof.usedJobs.add(jobId);
    this.forget(session);
    const id = randomBytes(32).toString('base64url');
    const expiresAtMs = this.clock.nowMs() + SESSION_SECONDS * 1000;
    if (opened.kind !== 'set-pin') throw new CaError('jobRefused', 'this job is not for a page');
    const { earlierJob } = opened;
    this.#sessions.set(id, { id, proof, nonce, expiresAtMs, job: opened, state: 'waiting', maybeChanged: earlierJob });
    return id;
  }

  /** @param origin the page that opened it, when a page asks; the holder's own form has the id alone */
  find(id: string, origin?: string): PinSession {
    const session = this.#sessions.get(id);
    if (!session || (origin !== undefined && session.proof.origin !== origin)) {
      throw new CaError('notFound', 'there is no such PIN session');
    }
    const over = session.expiresAtMs <= this.clock.nowMs();
    if (over && session.job && session.state !== 'working') this.close(session, 'expired');
    return session;
  }

  /** What the page needs to know of the card: fresh if it is there, else as it was. */
  async look(session: PinSession): Promise<{ profile?: CardProfile; pinTries?: number; cardIsIn: boolean }> {
    try {
      return await this.gate.use(async (card) => {
        session.pinTries = await card.pinTries();
        return { profile: card.profile, pinTries: session.pinTries, cardIsIn: true };
      });
    } catch (error) {
      if (error instanceof CaError) return { pinTries: session.pinTries, cardIsIn: false };
      throw error;
    }
  }

  /**
   * Sets the PIN the holder typed, twice.
   *
   * @throws CaError pinMismatch | pinFormat | noCard | cardRemoved … after which the form may be sent again; never with
   *                 a PIN in it
   */
  async submit(id: string, newPin: string, confirmPin: string): Promise<PinSession> {
    const session = this.find(id);
    const { job, state } = session;
    if (state === 'working') throw new CaError('readerBusy', 'this PIN is being set');
    if (!job) return session;
    if (newPin !== confirmPin) throw new CaError('pinMismatch', 'the two PINs differ');
    session.state = 'working';
    let next: PinState = state;
    try {
      next = await this.gate.use((card) => {
        if (!pinFits(newPin, card.profile)) throw new CaError('pinFormat', 'the card does not take a PIN of this form');
        return setPin(card, session, job, newPin);
      });
    } catch (error) {
      if (error instanceof CaError && error.code === 'cardRemoved') next = 'removed';
      throw error;
    } finally {
      session.state = next;
      this.log.info({ card: job.cardNumber, state: next, pinTries: session.pinTries }, 'setting a PIN');
    }
    this.close(session, next);
    return session;
  }

  private close(session: PinSession, state: PinState): void {
    session.state = state;
    session.job = undefined;
  }

  /** A new job voids the page of the one before; and the memory is bounded. */
  private forget(session: string): void {
    for (const [id, known] of this.#sessions) {
      const full = this.#sessions.size >= MAX_SESSIONS;
      if (full || known.proof.session === session) this.#sessions.delete(id);
    }
  }
}
