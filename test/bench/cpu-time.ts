import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100; // USER_HZ of Linux on every architecture we run on

/** CPU seconds of every process of this machine since its start, by what it is; nothing where there is no /proc. */
export function cpuTimes(names: Readonly<Record<string, number>>): Map<string, number> {
  const nameOf = new Map(Object.entries(names).map(([name, pid]) => [String(pid), name]));
  const times = new Map<string, number>();
  for (const pid of pidsOf()) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const seconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
      const name = nameOf.get(pid) ?? (comm === 'postgres' ? sessionOf(pid) : comm);
      times.set(name, (times.get(name) ?? 0) + seconds);
    } catch {
      // It has ended meanwhile.
    }
  }
  return times;
}

/** What took how much of a core between two looks, most first, in per cent. */
export function shares(before: Map<string, number>, after: Map<string, number>, ms: number): [string, number][] {
  const spent = [...after].map(([name, at]): [string, number] => [name, at - (before.get(name) ?? 0)]);
  const shared = spent.map(([name, seconds]): [string, number] => [name, (100_000 * seconds) / ms]);
  return shared.filter(([, share]) => share >= 0.5).sort(([, a], [, b]) => b - a);
}

function pidsOf(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** PostgreSQL writes into its title whose session, or which of its own processes, this is. */
function sessionOf(pid: string): string {
  const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return `postgres ${/^postgres: (?:(\S+) \S+ 127\.0\.0\.1)?/.exec(title)?.[1] ?? 'itself'}`;
}
