import { randomBytes } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { fuzz } from '../fuzz/fuzz.js';
import { prepare } from '../fuzz/prepare.js';
import { onBothProfiles } from './on-both-profiles.js';
import { runningInstance } from './running-instance.js';

/** `npm run fuzz -- --inputs 1000000` is the long form; its last result is in docs/SECURITY.md. */
const INPUTS = { embedded: 20_000, distributed: 2_500 };
const GROWTH_MIB = 250;

onBothProfiles('a running instance', (profile) => {
  const instance = runningInstance(profile);
  const inputs = INPUTS[profile.name];

  it(`answers ${inputs} broken inputs without a crash, a 500 or memory that grows`, async () => {
    await prepare(instance);
    const result = await fuzz(instance, inputs, randomBytes(6).toString('hex'));
    expect(result.findings).toEqual([]);
    expect(result.inputs).toBe(inputs);
    expect(Object.keys(result.byTarget)).toHaveLength(4);
    // Caches fill and the collector is lazy; what grows by the input would pass this many times over in the long form.
    expect(result.memory.end - result.memory.early).toBeLessThan(GROWTH_MIB);
    expect((await fetch(`${instance.address.url}/healthz`)).status).toBe(200);
  }, 600_000);
});
