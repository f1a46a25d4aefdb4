import { sleep } from '#libs/clock';
import { isSurroundingsError } from './surroundings.js';

const PATIENCE_MS = 60_000;
const EVERY_MS = 1_000;

/**
 * A server that is being started beside us is waited for, a minute at most.
 *
 * @param passes  whether an error may go away by itself
 * @throws what `work` threw, when it does not pass or the minute is over
 */
export async function patiently<T>(
  work: () => Promise<T>,
  told: (line: string) => void = () => {},
  passes: (error: unknown) => boolean = isSurroundingsError,
): Promise<T> {
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(EVERY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > until || !passes(error)) throw error;
      told(`waiting: ${(error as Error).message}`);
    }
  }
}
