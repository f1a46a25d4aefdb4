import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, Rounds } from '#libs/clock';
import { LOG } from '#libs/host';
import { type Delegate, DelegateStore, isRenewalDue, Responder } from '#libs/ocsp';

/** Asks the issuing CA: a certificate request (PKCS#10, DER) for a certificate (DER). */
export type Certify = (request: Buffer) => Promise<Buffer>;
export const CERTIFY = Symbol('certify');

const CHECK_MS = 60_000;
const RETRY_MS = 1_000;

/**
 * Sees to it that the responder has a valid delegate: the one in the folder, a new one in the last third of its life. A
 * certificate is asked for until there is one; meanwhile answers are signed with what is still valid, or are `tryLater`.
 */
@Injectable()
export class DelegateKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;
  #looking: Promise<void> = Promise.resolve();
  #isWaiting = false;

  constructor(
    private readonly store: DelegateStore,
    private readonly responder: Responder,
    @Inject(CERTIFY) private readonly certify: Certify,
    private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    const waitMs = () => (this.#isWaiting ? RETRY_MS : CHECK_MS);
    this.#rounds = new Rounds({ what: 'renewing the OCSP delegate', work: () => this.check(), waitMs, clock, log });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }

  /**
   * One look, after those that are under way.
   *
   * @throws whatever kept a delegate that is due from coming; one that is still valid is in use all the same
   */
  check(): Promise<void> {
    const turn = this.#looking.then(() => this.#look());
    this.#looking = turn.catch(() => {});
    return turn;
  }

  async #look(): Promise<void> {
    const now = this.clock.now();
    const current = await this.store.current(now);
    if (current) this.use(current);
    this.#isWaiting = !current || isRenewalDue(current, now);
    if (!this.#isWaiting) return;
    const renewed = await this.store.install(await this.certify(await this.store.request()));
    this.use(renewed);
    this.#isWaiting = false;
    await this.store.prune(now);
    this.log.info({ notAfter: renewed.notAfter }, 'OCSP delegate renewed');
  }

  /** The same delegate again would empty the responder's memory. */
  private use(delegate: Delegate): void {
    if (!this.responder.delegate?.certificate.equals(delegate.certificate)) this.responder.use(delegate);
  }
}
