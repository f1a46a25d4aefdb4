import { sleep } from '#libs/clock';

/** A wait that ends early when somebody calls `wake`, also when the call came just before the wait. */
export class WakeUp {
  #pending = false;
  #end?: () => void;

  wake(): void {
    this.#pending = true;
    this.#end?.();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending) {
      const early = new AbortController();
      this.#end = () => early.abort();
      if (!signal.aborted) await sleep(ms, signal, early.signal);
      this.#end = undefined;
    }
    this.#pending = false;
  }
}
