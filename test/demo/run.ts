import { isDeepStrictEqual } from 'node:util';
import { ask } from './http.js';
import type { Instance } from './instance.js';
import type { Step } from './story.js';

export interface Line {
  at: string;
  actor: string;
  step: string;
  expected: unknown;
  observed: unknown;
  ok: boolean;
}

/** Plays the steps in order. `aside` runs beside each step, for whoever wants to disturb it. */
export async function play(
  instance: Instance,
  steps: readonly Step[],
  told: (line: Line) => void,
  aside?: (index: number) => Promise<void>,
): Promise<Line[]> {
  const lines: Line[] = [];
  let clock = new Date(0);
  for (const [index, { at, actor, step, expected, run }] of steps.entries()) {
    if (at) {
      await ask('PUT', `${instance.address.url}/throwaway/clock`, { json: { at: at.toISOString() } });
      clock = at;
    }
    const disturbed = aside?.(index);
    const observed = await run().catch((error: unknown) => ({ error: String(error) }));
    await disturbed;
    const line = {
      at: clock.toISOString(),
      actor,
      step,
      expected,
      observed,
      ok: isDeepStrictEqual(observed, expected),
    };
    lines.push(line);
    told(line);
  }
  return lines;
}
