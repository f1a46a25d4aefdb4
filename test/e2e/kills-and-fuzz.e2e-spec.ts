import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { storyCards } from '../demo/cards.js';
import { EMBEDDED } from '../demo/instance.js';
import { checkInvariants } from '../demo/invariants.js';
import { killAtRandom } from '../demo/kills.js';
import { play } from '../demo/run.js';
import { story } from '../demo/story.js';
import { storyDays, World } from '../demo/world.js';
import { fuzz } from '../fuzz/fuzz.js';
import { onBothProfiles, type ProfileUnderTest } from './on-both-profiles.js';
import { runningInstance } from './running-instance.js';

/** `npm run demo -- --kills 5` is the longer form. */
const KILLS = 3;
/** `npm run fuzz -- --inputs 1000000` is the long form; its last result is in docs/SECURITY.md. */
const INPUTS = { embedded: 20_000, distributed: 1_500 };
const GROWTH_MIB = 250;

/** CI has the embedded default alone: each part of the other is killed in `faults.e2e-spec.ts`, its edge and services are asked there. */
const onProfiles =
  process.env['CI'] === 'true'
    ? (what: string, suite: (profile: ProfileUnderTest) => void) => describe(`${what}, embedded`, () => suite(EMBEDDED))
    : onBothProfiles;

onProfiles('an instance', (profile) => {
  const instance = runningInstance(profile);
  const inputs = INPUTS[profile.name];

  it(`killed ${KILLS} times at random moments of the demo, finishes it with every invariant intact`, async () => {
    const cards = storyCards();
    const kills: string[] = [];
    const steps = story(new World(instance, cards), cards, storyDays(systemClock().now()));
    const killer = killAtRandom(instance, steps.length, KILLS, (step, afterMs, what) =>
      kills.push(`${what} in ${steps[step]!.step} + ${afterMs} ms`),
    );
    const lines = await play(instance, steps, () => {}, killer);
    expect({ kills, wrong: lines.filter((line) => !line.ok) }).toEqual({ kills, wrong: [] });
    expect(kills).toHaveLength(KILLS);
    expect({ kills, broken: await checkInvariants(instance, cards) }).toEqual({ kills, broken: [] });
  }, 300_000);

  it(`then answers ${inputs} broken inputs without a crash, a 500 or memory that grows`, async () => {
    const result = await fuzz(instance, inputs, randomBytes(6).toString('hex'));
    expect(result.findings).toEqual([]);
    expect(result.inputs).toBe(inputs);
    expect(Object.keys(result.byTarget)).toHaveLength(4);
    // Caches fill and the collector is lazy; what grows by the input would pass this many times over in the long form.
    expect(result.memory.end - result.memory.early).toBeLessThan(GROWTH_MIB);
    expect((await fetch(`${instance.address.url}/healthz`)).status).toBe(200);
  }, 600_000);
});
