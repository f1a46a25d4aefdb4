import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rfc3339, systemClock } from '#libs/clock';
import { writeEvidence } from './evidence.js';
import { distributedOn, EMBEDDED, Instance, type Profile } from './instance.js';
import { checkInvariants } from './invariants.js';
import { killAtRandom } from './kills.js';
import { play } from './run.js';
import { storyCards } from './cards.js';
import { story } from './story.js';
import { at, storyDays, World } from './world.js';

const HELP = `npm run demo -- [options]

Lives a card's whole life on a throw-away instance, its clock moved across two midnights, and writes the evidence.

  --out <folder>   where the evidence goes (default: demo-out)
  --distributed    every service as its own process, on the stack that is up (npm run stack; started when none is), with a
                   database of its own and emptied topics; its events stay there to be read
  --kills <n>      kill -9 the instance n times on the way, at random moments (default: 0); distributed: one of its processes
  --keep           keep the instance's folder
`;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'demo-out' },
    distributed: { type: 'boolean', default: false },
    kills: { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  const stackDir = resolve(process.env['KAIKA_STACK_DIR'] ?? 'data/stack');
  const profile = values.distributed ? distributedOn(stackDir) : EMBEDDED;
  process.exitCode = await demo(profile, resolve(values.out), Number(values.kills), values.keep);
}

async function demo(profile: Profile, out: string, kills: number, keep: boolean): Promise<number> {
  const began = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'kaika-demo-'));
  const days = storyDays(systemClock().now());
  const start = at(days.first, 7);
  const instance = new Instance(dataDir, start, (line) => console.log(`  | ${line}`), profile);
  const interrupted = () => void instance.kill().then(() => process.exit(130));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    console.log(`A throw-away instance, its clock at ${rfc3339(start)}`);
    await instance.up();
    const cards = storyCards();
    const world = new World(instance, cards);
    const steps = story(world, cards, days);
    const killer = killAtRandom(instance, steps.length, kills, (_step, afterMs, what) =>
      console.log(`  | kill -9 of ${what} after ${afterMs} ms`),
    );
    const lines = await play(
      instance,
      steps,
      (line) => {
        console.log(`${line.ok ? '✓' : '✗'} ${rfc3339(new Date(line.at))}  ${line.actor} ${line.step}`);
        if (!line.ok)
          console.log(`    expected ${JSON.stringify(line.expected)}\n    observed ${JSON.stringify(line.observed)}`);
      },
      killer,
    );
    await writeEvidence(out, world, lines);
    const broken = await checkInvariants(instance, cards);
    for (const invariant of broken) console.log(`✗ invariant: ${invariant}`);
    const wrong = lines.filter((line) => !line.ok).length;
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(
      `\n${lines.length - wrong} of ${lines.length} steps as expected, ${seconds} s. The evidence is in ${out}`,
    );
    if (profile.name === 'distributed') console.log('Its events are in Kafka still: npm run stack -- status');
    return wrong + broken.length === 0 ? 0 : 1;
  } finally {
    await instance.stop();
    if (keep) console.log(`The instance's folder: ${dataDir}`);
    else await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
