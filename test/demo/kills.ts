import { randomInt } from 'node:crypto';
import { sleep } from '#libs/clock';
import type { Instance } from './instance.js';

const LONGEST_DELAY_MS = 1_500;

/** Chooses `count` of the steps and kills the instance, or a part of it, (SIGKILL) at a random moment of each. */
export function killAtRandom(
  instance: Instance,
  steps: number,
  count: number,
  told = (_step: number, _afterMs: number, _what: string) => {},
) {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, steps)) chosen.add(randomInt(steps));
  return async (step: number): Promise<void> => {
    if (!chosen.has(step)) return;
    // Short delays more often: most steps take less than a tenth of the longest.
    const afterMs = randomInt(randomInt(LONGEST_DELAY_MS) + 1);
    await sleep(afterMs);
    const killed = await instance.disturb();
    told(step, afterMs, killed);
  };
}
