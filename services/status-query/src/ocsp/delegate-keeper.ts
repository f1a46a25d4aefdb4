import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock, sleep } from '#libs/clock';
import { LOG } from '#libs/host';
import { type Delegate, DelegateStore, isRenewalDue, Responder } from '#libs/ocsp';

/** Asks the issuing CA: a certificate request (PKCS#10, DER) for a certificate (DER). */
export type Certify = (request: Buffer) => Promise<Buffer>;
export const CERTIFY = Symbol('certify');

const CHECK_MS = 60_000;
const FIRST_RETRY_MS = 500;

/**
 * Sees to it that the responder has a valid delegate: the one in the folder, a new one in the last third of its life. A
 * certificate is asked for until there is one; meanwhile answers are signed with what is still valid, or are `tryLater`.
 */
@Injectable()
export class DelegateKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #looking: Promise<void> = Promise.resolve();
  #stopListening?: () => void;

  constructor(
    private readonly store: DelegateStore,
    private readonly responder: Responder,
    @Inject(CERTIFY) private readonly certify: Certify,
    private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#stopListening = this.clock.onMove(() => this.#wake.abort());
    this.#done = this.#run(this.#stop.signal);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopListening?.();
    this.#stop.abort();
    await this.#done;
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
    if (current && !isRenewalDue(current, now)) return;
    const renewed = await this.store.install(await this.certify(await this.store.request()));
    this.use(renewed);
    await this.store.prune(now);
    this.log.info({ notAfter: renewed.notAfter }, 'OCSP delegate renewed');
  }

  /** The same delegate again would empty the responder's memory. */
  private use(delegate: Delegate): void {
    if (!this.responder.delegate?.certificate.equals(delegate.certificate)) this.responder.use(delegate);
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      this.#wake = new AbortController();
      try {
        await this.check();
        failures = 0;
      } catch (error) {
        if (failures++ % 10 === 0) this.log.warn({ err: error as unknown }, 'no new OCSP delegate yet');
      }
      const waitMs = failures === 0 ? CHECK_MS : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), CHECK_MS);
      await sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  }
}
