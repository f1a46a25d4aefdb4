import { sleep } from '#libs/clock';
import { isSurroundingsError } from '#libs/database';

const PATIENCE_MS = 60_000;
const EVERY_MS = 1_000;

/** A server that is being started beside us is waited for, a minute at most. */
export async function patiently(work: () => Promise<void>, told: (line: string) => void): Promise<void> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(EVERY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > until || !passes(error)) throw error;
      told(`waiting: ${(error as Error).message}`);
    }
  }
}

/** kafkajs marks what may pass. */
const passes = (error: unknown): boolean =>
  isSurroundingsError(error) || (error as { retriable?: unknown }).retriable === true;
