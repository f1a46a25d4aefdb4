import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { Instance } from '../demo/instance.js';
import { checkInvariants } from '../demo/invariants.js';
import { killAtRandom } from '../demo/kills.js';
import { play } from '../demo/run.js';
import { storyCards } from '../demo/cards.js';
import { story } from '../demo/story.js';
import { at, storyDays, World } from '../demo/world.js';
import { onBothProfiles } from './on-both-profiles.js';

/** `npm run demo -- --kills 5` is the longer form. */
const KILLS = 3;

onBothProfiles('an instance that is killed', (profile) => {
  it(`${KILLS} times at random moments of the demo finishes it with every invariant intact`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'kaika-kills-'));
    const days = storyDays(systemClock().now());
    const instance = new Instance(dataDir, at(days.first, 7), () => {}, profile);
    const kills: string[] = [];
    try {
      await instance.up();
      const cards = storyCards();
      const steps = story(new World(instance, cards), cards, days);
      const killer = killAtRandom(instance, steps.length, KILLS, (step, afterMs, what) =>
        kills.push(`${what} in ${steps[step]!.step} + ${afterMs} ms`),
      );
      const lines = await play(instance, steps, () => {}, killer);
      expect({ kills, wrong: lines.filter((line) => !line.ok) }).toEqual({ kills, wrong: [] });
      expect(kills).toHaveLength(KILLS);
      expect({ kills, broken: await checkInvariants(instance, cards) }).toEqual({ kills, broken: [] });
    } finally {
      await instance.stop();
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
  }, 300_000);
});
