import { sleep } from '#libs/clock';

/** Injects what a process does when its consumer stands still: `(reason: string) => void`. Optional. */
export const ON_STANDSTILL = Symbol('kaika:on-standstill');
export type OnStandstill = (reason: string) => void;

export interface WatchdogOptions {
  /** Whether the database answers, to a connection of its own: a pool whose every connection is stuck says nothing. */
  answers(): Promise<boolean>;
  onStandstill: OnStandstill;
  /** How long one step may take while the database answers. Default 60 s. */
  limitMs?: number;
  /** How often that is looked at. Default 5 s. */
  everyMs?: number;
}

interface Step {
  readonly what: string;
  stuckMs: number;
}

/**
 * Tells when consuming stands still although it could go on (DESIGN.md §3, "Staying up"). A step that waits between two
 * attempts is none; time in which the database is away, or this process got no turn, does not count.
 */
export class Watchdog {
  readonly #steps = new Set<Step>();
  readonly #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #told = false;

  constructor(private readonly options: WatchdogOptions) {}

  start(): void {
    this.#done = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Passes the outcome of `work` through, and watches over it meanwhile. */
  async watch<T>(what: string, work: Promise<T>): Promise<T> {
    const step = { what, stuckMs: 0 };
    this.#steps.add(step);
    try {
      return await work;
    } finally {
      this.#steps.delete(step);
    }
  }

  /** Consuming has ended for good: nothing will take it up in this process. */
  ended(reason: string): void {
    if (this.#told || this.#stop.signal.aborted) return;
    this.#told = true;
    this.options.onStandstill(reason);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { limitMs = 60_000, everyMs = 5_000, answers } = this.options;
    while (!signal.aborted) {
      const before = [...this.#steps];
      await sleep(everyMs, signal);
      const steps = before.filter((step) => this.#steps.has(step));
      if (steps.length === 0 || signal.aborted || !(await answers())) continue;
      for (const step of steps) step.stuckMs += everyMs;
      const stuck = steps.find((step) => step.stuckMs >= limitMs && this.#steps.has(step));
      if (stuck) this.ended(`stuck for ${limitMs / 1_000} s while the database answers: ${stuck.what}`);
    }
  }
}
