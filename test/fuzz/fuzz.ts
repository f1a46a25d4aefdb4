import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Dice } from './mutate.js';
import { targets } from './targets.js';
import type { Instance } from '../demo/instance.js';

export interface FuzzResult {
  inputs: number;
  byTarget: Record<string, number>;
  /** The first findings, each with what reproduces it. */
  findings: string[];
  /** Resident memory of the instance in MiB after a tenth of the inputs, and at the end. */
  memory: { early: number; end: number };
}

const AT_ONCE = 8;
const MAX_FINDINGS = 20;

/** Throws `inputs` broken inputs at a running instance: no crash, no 500, no growth of memory (DESIGN.md: bad input). */
export async function fuzz(
  instance: Instance,
  inputs: number,
  seed: string,
  told: (done: number) => void = () => {},
): Promise<FuzzResult> {
  const all = await targets(instance);
  const wheel = all.flatMap((target) => Array.from({ length: target.weight }, () => target));
  const byTarget: Record<string, number> = {};
  const findings: string[] = [];
  let next = 0;
  let early = 0;
  const worker = async () => {
    for (let n = next++; n < inputs && findings.length < MAX_FINDINGS; n = next++) {
      const dice = new Dice(`${seed}/${n}`);
      const target = dice.pick(wheel);
      byTarget[target.name] = (byTarget[target.name] ?? 0) + 1;
      const finding = await target
        .try(dice)
        .catch((error: unknown) => `${target.name}: ${String(error)} ${String((error as Error).cause ?? '')}`);
      if (finding) findings.push(`${seed}/${n} ${finding}`);
      if (n === Math.floor(inputs / 10)) early = await residentMiB(instance);
      if (n % 10_000 === 0) told(n);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { inputs: Math.min(next, inputs), byTarget, findings, memory: { early, end: await residentMiB(instance) } };
}

/** Of its one process, or of all. */
async function residentMiB({ address: { pid, processes = {} } }: Instance): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', [pid, ...Object.values(processes)].join()]);
  return Math.round(stdout.split('\n').reduce((sum, kib) => sum + Number(kib), 0) / 2 ** 10);
}
