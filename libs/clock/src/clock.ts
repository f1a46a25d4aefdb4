import { setTimeout as delay } from 'node:timers/promises';

/**
 * The only source of time in this product. Real time, or real time plus an offset that a throw-away instance may set
 * (its database's `log_now()` follows the same offset). The offset is never positive: nothing this product signs may
 * carry a time that has not come yet.
 */
export class Clock {
  #offsetMs = 0;
  readonly #listeners = new Set<() => void>();

  now(): Date {
    return new Date(this.nowMs());
  }

  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Moves the clock. What waits for a time of day looks again (`onMove`). */
  set(offsetMs: number): void {
    if (!Number.isInteger(offsetMs) || offsetMs > 0)
      throw new RangeError('a clock offset is a whole number, at most 0');
    this.#offsetMs = offsetMs;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each move; the answer unsubscribes. */
  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export function systemClock(): Clock {
  return new Clock();
}

/**
 * Waits in real time. Ends early, without an error, when one of the signals is aborted. They are not made one with
 * `AbortSignal.any`: Node 20 notes each signal made of another on that other, for as long as that lives.
 */
export async function sleep(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  const early = new AbortController();
  const end = () => early.abort();
  for (const signal of signals) {
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
  }
  try {
    await delay(ms, undefined, { signal: early.signal });
  } catch (error) {
    if (!early.signal.aborted) throw error;
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', end);
  }
}
