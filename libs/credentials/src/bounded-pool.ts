import { availableParallelism } from 'node:os';
import { CaError } from '#libs/errors';

/** Runs a bounded number of tasks at once, lets a bounded number wait, and refuses the rest. */
export class BoundedPool {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * @param concurrent      tasks at once
   * @param queue           tasks that may wait
   * @param secondsPerTask  what one takes, for Retry-After
   */
  constructor(
    readonly concurrent: number,
    readonly queue: number,
    readonly secondsPerTask: number,
  ) {}

  /** @throws CaError  tooBusy {retryAfterSeconds} */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.concurrent) await this.#wait();
    else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // A waiting task takes over the place, so that no newcomer slips in between.
      if (next) next();
      else this.#running -= 1;
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.queue) {
      const seconds = ((this.#waiting.length + 1) * this.secondsPerTask) / this.concurrent;
      throw new CaError('tooBusy', 'all places are taken', {
        retryAfterSeconds: Math.max(1, Math.ceil(seconds)),
      });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/**
 * The places for scrypt in this process, shared by all services in it: one core stays free for everything else, and one
 * of libuv's threads for files and names. A check takes about 60 ms of a core and 16 MiB.
 */
export const codeCheckPool = new BoundedPool(
  Math.max(1, Math.min(availableParallelism(), Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)) - 1),
  64,
  0.06,
);
