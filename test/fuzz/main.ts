import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#libs/clock';
import { Instance } from '../demo/instance.js';
import { at, storyDays } from '../demo/world.js';
import { fuzz } from './fuzz.js';
import { prepare } from './prepare.js';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(
    'npm run fuzz -- [--inputs 20000] [--seed <text>]\n\nThrows mutated DER and JSON at a throw-away instance; ends with 1 when anything was found.',
  );
} else {
  const seed = values.seed ?? randomBytes(6).toString('hex');
  const dataDir = await mkdtemp(join(tmpdir(), 'kaika-fuzz-'));
  const instance = new Instance(dataDir, at(storyDays(systemClock().now()).first, 7));
  try {
    await instance.up();
    await prepare(instance);
    const began = performance.now();
    const result = await fuzz(instance, Number(values.inputs), seed, (done) => console.log(`${done} inputs`));
    const seconds = (performance.now() - began) / 1_000;
    console.log(JSON.stringify({ seed, ...result, perSecond: Math.round(result.inputs / seconds) }, null, 2));
    process.exitCode = result.findings.length > 0 ? 1 : 0;
  } finally {
    await instance.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
