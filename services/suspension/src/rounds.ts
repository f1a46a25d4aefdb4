import type { Logger } from 'pino';
import { sleep, type Clock } from '#libs/clock';

export interface RoundsOptions {
  /** What is done, for the log. */
  what: string;
  /** One round. It ends early when the signal is aborted; a failure is logged and the next round comes. */
  work(signal: AbortSignal): Promise<unknown>;
  /** Real time from the end of a round to the next. */
  waitMs(): number;
  clock: Clock;
  log: Logger;
}

/** One line in the log for so many failures in a row. */
const TELL_EVERY = 60;

/** Does something again and again, one round at a time, and at once when the clock was moved. */
export class Rounds {
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #stopListening?: () => void;

  constructor(private readonly options: RoundsOptions) {}

  start(): void {
    this.#stopListening = this.options.clock.onMove(() => this.#wake.abort());
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stop.abort();
    this.#wake.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { work, waitMs, what, log } = this.options;
    for (let failures = 0; !this.#stop.signal.aborted;) {
      this.#wake = new AbortController();
      try {
        await work(this.#stop.signal);
        failures = 0;
      } catch (error) {
        if (failures++ % TELL_EVERY === 0) log.warn({ err: error as unknown }, `${what} failed, trying again`);
      }
      if (!this.#stop.signal.aborted) await sleep(waitMs(), this.#wake.signal);
    }
  }
}
