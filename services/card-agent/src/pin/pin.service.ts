import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { type CardProfile, pinFits } from '#libs/piv';
import { SESSION_SECONDS } from '../agent.config.js';
import { type CardReading, readCard } from '../card-facts.js';
import type { CardGates } from '../readers/card-gates.js';
import { type JobOpener } from '../job-opener.js';
import type { Deadline } from '../readers/in-time.js';
import { resetPinTask } from './by-puk.js';
import { setPinTask } from './given-pin.js';
import { changePinTask, checkTask, signTask } from './known-pin.js';
import { FIELDS } from './pin-fields.js';
import type { PinKind, PinSession, PinState, PinTask, Progress, Typed } from './pin-session.js';

const MAX_SESSIONS = 20;

/** The pages on which a holder types a PIN. A PIN passes through `submit` alone and is kept nowhere. */
export class PinService {
  readonly #sessions = new Map<string, PinSession>();

  constructor(
    private readonly gates: CardGates,
    private readonly jobs: JobOpener,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Opens a page for the job that answers a session's proof. @throws CaError sessionExpired | jobRefused */
  async openForJob(order: { session: string; job: string; nonce: Buffer; origin: string }): Promise<string> {
    const { job, proof } = await this.jobs.open(order, ['set-pin', 'reset-pin']);
    const { reader, reading, origin } = proof;
    const task = job.kind === 'set-pin' ? setPinTask(job, proof, order.nonce) : resetPinTask(job, proof, order.nonce);
    const maybeChanged = job.kind === 'set-pin' && job.earlierJob;
    const lastOnline = job.kind === 'reset-pin' && job.puks.length > 1;
    return this.open(job.kind, { reader, reading, origin, lastOnline }, task, { maybeChanged });
  }

  /** 變更 PIN 碼. @throws CaError of the card, which must be there */
  openChange(origin: string, reader?: string): Promise<string> {
    return this.openForCard('change-pin', { origin, reader }, changePinTask);
  }

  openSignature(origin: string, nonce: Buffer, reader?: string): Promise<string> {
    return this.openForCard('sign', { origin, reader }, (reading) => signTask(reading, origin, nonce));
  }

  openCheck(origin: string, reader?: string): Promise<string> {
    return this.openForCard('check-pin', { origin, reader }, checkTask);
  }

  /** @param origin the page that opened it, when a page asks; the holder's own form has the id alone */
  find(id: string, origin?: string): PinSession {
    const session = this.#sessions.get(id);
    if (!session || (origin !== undefined && session.origin !== origin)) {
      throw new CaError('notFound', 'there is no such PIN session');
    }
    this.closeExpired();
    return session;
  }

  /** The forms that are out of time, and with them what their jobs held: PUKs, transport PINs. */
  closeExpired(): void {
    const now = this.clock.nowMs();
    for (const session of this.#sessions.values()) {
      const over = session.expiresAtMs <= now;
      if (over && session.task && session.state !== 'working') this.close(session, 'expired');
    }
  }

  /** Of a request for a page: what it does with the card and how the page then looks have this time together. */
  deadline(): Deadline {
    return this.gates.deadline();
  }

  /** What the page needs to know of the card: fresh if it is there, else as it was. */
  async look(
    { reader, progress }: PinSession,
    deadline: Deadline,
  ): Promise<{ profile?: CardProfile; pinTries?: number }> {
    try {
      return await this.gates.use({ reader, permission: 'look', deadline }, async (card) => {
        progress.pinTries = await card.pinTries();
        return { profile: card.profile, pinTries: progress.pinTries };
      });
    } catch (error) {
      if (error instanceof CaError) return { pinTries: progress.pinTries };
      throw error;
    }
  }

  /**
   * Does with the card what the page is for. The same form sent twice is worked on once; both get its end.
   *
   * @throws CaError pinMismatch | pinFormat | pinRefused | noCard | cardRemoved … after which the form may be sent again;
   *                 never with a PIN in it
   */
  async submit(id: string, typed: Typed & { confirmPin: string }, deadline: Deadline): Promise<PinSession> {
    const session = this.find(id);
    if (session.running) await session.running;
    else if (session.task) {
      const { task } = session;
      if (FIELDS[session.kind].new && typed.newPin !== typed.confirmPin) {
        throw new CaError('pinMismatch', 'the two PINs differ');
      }
      session.running = this.work({ session, task, deadline }, typed).finally(() => (session.running = undefined));
      await session.running;
    }
    return session;
  }

  private async work(
    { session, task, deadline }: { session: PinSession; task: PinTask; deadline: Deadline },
    typed: Typed,
  ): Promise<void> {
    const { kind, reader, reading, progress } = session;
    const before = session.state;
    session.state = 'working';
    let next: PinState = before;
    try {
      next = await this.gates.use({ reader, permission: task.permission, deadline }, (card) => {
        const wanted = [...(FIELDS[kind].old ? [typed.oldPin] : []), ...(FIELDS[kind].new ? [typed.newPin] : [])];
        if (!wanted.every((pin) => pinFits(pin, card.profile))) {
          throw new CaError('pinFormat', 'the card does not take a PIN of this form');
        }
        return task.run(card, typed, progress);
      });
    } catch (error) {
      if (error instanceof CaError && error.code === 'cardRemoved') next = 'removed';
      throw error;
    } finally {
      session.state = next;
      this.log.info({ card: reading.facts.cardNumber, kind, state: next, pinTries: progress.pinTries }, 'a PIN page');
    }
    this.close(session, next);
  }

  private async openForCard(
    kind: PinKind,
    { origin, reader }: { origin: string; reader?: string },
    taskFor: (reading: CardReading) => PinTask,
  ): Promise<string> {
    const { pinTries, ...at } = await this.gates.use({ reader, permission: 'look' }, async (card, found) => ({
      ...{ reader: found, origin, reading: await readCard(card), pinTries: await card.pinTries() },
    }));
    return this.open(kind, at, taskFor(at.reading), { maybeChanged: false, pinTries });
  }

  /** A new page for a card voids the one before; and the memory is bounded. */
  private open(
    kind: PinKind,
    at: Pick<PinSession, 'reader' | 'reading' | 'origin' | 'lastOnline'>,
    task: PinTask,
    progress: Progress,
  ): string {
    for (const [id, known] of this.#sessions) {
      const full = this.#sessions.size >= MAX_SESSIONS;
      const same = known.reading.facts.cardUuid === at.reading.facts.cardUuid && known.origin === at.origin;
      if ((full || same) && known.state !== 'working') this.#sessions.delete(id);
    }
    this.closeExpired();
    const id = randomBytes(32).toString('base64url');
    const expiresAtMs = this.clock.nowMs() + SESSION_SECONDS * 1000;
    this.#sessions.set(id, { id, kind, ...at, progress, expiresAtMs, task, state: 'waiting' });
    return id;
  }

  private close(session: PinSession, state: PinState): void {
    session.state = state;
    session.task = undefined;
  }
}
