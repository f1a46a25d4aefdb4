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
  const before = await processes(instance);
  const once = (n: number) => {
    const dice = new Dice(`${seed}/${n}`);
    return dice.pick(wheel).try(dice);
  };
  const worker = async () => {
    for (let n = next++; n < inputs && findings.length < MAX_FINDINGS; n = next++) {
      const { name } = new Dice(`${seed}/${n}`).pick(wheel);
      byTarget[name] = (byTarget[name] ?? 0) + 1;
      const finding = await once(n)
        .catch((error: unknown) => (wasIdle(error) ? once(n) : Promise.reject(error as Error)))
        .catch((error: unknown) => `${name}: ${String(error)} ${String((error as Error).cause ?? '')}`);
      if (finding) findings.push(`${seed}/${n} ${finding}`);
      if (n === Math.floor(inputs / 10)) early = await residentMiB(instance);
      if (n % 10_000 === 0) told(n);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const after = await processes(instance);
  if (after.size < before.size) findings.push(`${before.size - after.size} process(es) of the instance ended`);
  return { inputs: Math.min(next, inputs), byTarget, findings, memory: { early, end: await residentMiB(instance) } };
}

/**
 * The server closed a connection that had been idle for its five seconds, just when this process, held up for as long, used it
 * again: a client may send that once more (RFC 9112 §9.3.1). That a server has crashed is told by its process.
 */
function wasIdle(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: string };
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET';
}

async function residentMiB(instance: Instance): Promise<number> {
  const kib = [...(await processes(instance)).values()].reduce((sum, rss) => sum + rss, 0);
  return Math.round(kib / 2 ** 10);
}

/** Those that live: its one, or all. @returns resident memory in KiB by process id */
async function processes({ address: { pid, processes = {} } }: Instance): Promise<Map<number, number>> {
  const ids = [pid, ...Object.values(processes)].join();
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=,rss=', '-p', ids]);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]),
  );
}
