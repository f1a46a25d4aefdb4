import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { EMBEDDED, Instance, type Profile } from '../demo/instance.js';
import { at, storyDays } from '../demo/world.js';

/** A throw-away instance for the tests of one file, its clock at the beginning of the demo's first day. */
export function runningInstance(profile: Profile = EMBEDDED): Instance {
  const dataDir = mkdtempSync(join(tmpdir(), 'kaika-e2e-'));
  const start = at(storyDays(systemClock().now()).first, 7);
  const instance = new Instance(dataDir, start, () => {}, profile);
  beforeAll(() => instance.up(), 240_000);
  afterAll(async () => {
    await instance.stop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);
  return instance;
}
