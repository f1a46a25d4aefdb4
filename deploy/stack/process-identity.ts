import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, so that the same pid given out again (after a reboot, or later) is told apart. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and time of the start, opaque. */
  birth: string;
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const ps = (pid: number, columns: string): string | undefined => {
  try {
    return execFileSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
};

/** State, parent and start of a living process; undefined when there is none (a zombie has ended too). */
function look(pid: number): { parent: number; birth: string } | undefined {
  // proc(5): "pid (name) state ppid … starttime(22) …"; the name may hold anything, a bracket too.
  const stat = read(`/proc/${pid}/stat`);
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
    return /[ZX]/.test(fields[0]!) ? undefined : { parent: Number(fields[1]), birth: `${boot}/${fields[19]}` };
  }
  if (process.platform === 'linux') return undefined;
  const [state, parent, ...start] = ps(pid, 'state=,ppid=,lstart=')?.split(/\s+/) ?? [];
  return state && !state.startsWith('Z') ? { parent: Number(parent), birth: start.join(' ') } : undefined;
}

export function identify(pid: number): ProcessIdentity | undefined {
  const process = look(pid);
  return process && { pid, birth: process.birth };
}

export const lives = (identity: ProcessIdentity | null | undefined): boolean =>
  !!identity && look(identity.pid)?.birth === identity.birth;

export const parentOf = (pid: number): number | undefined => look(pid)?.parent;

/** Sends the signal if that very process lives. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!lives(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ESRCH') throw e; // it has just ended
  }
}
