import { readFileSync, rmSync, readlinkSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { sleep } from '#libs/clock';

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Lines of postmaster.pid: pid, data folder, start, port, sockets, address, shared memory, state. */
export function serverState(pgdata: string): { pid: number; state: string } | undefined {
  const lines = read(join(pgdata, 'postmaster.pid'))?.split('\n');
  return lines?.[0] ? { pid: Number(lines[0]), state: lines[7]?.trim() ?? '' } : undefined;
}

const ps = (pid: number, column: string): string | undefined => {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return undefined;
  }
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A pid is reused after a reboot, in containers at once: only a postgres whose working folder is ours is ours. */
function isOurs(pid: number, pgdata: string): boolean {
  if (!isAlive(pid)) return false;
  const status = read(`/proc/${pid}/status`);
  if (status && /^State:\s+Z/m.test(status)) return false;
  const command = status ? /^Name:\s+(.*)$/m.exec(status)?.[1] : ps(pid, 'comm');
  if (!command?.includes('postgres')) return false;
  try {
    const [theirs, ours] = [statSync(readlinkSync(`/proc/${pid}/cwd`)), statSync(pgdata)];
    return theirs.ino === ours.ino && theirs.dev === ours.dev;
  } catch {
    return true; // can't be told: treat it as ours, PostgreSQL decides
  }
}

function parentOf(pid: number): number {
  const status = read(`/proc/${pid}/status`);
  return Number(status ? /^PPid:\s+(\d+)$/m.exec(status)?.[1] : ps(pid, 'ppid'));
}

/** The node process that launched the server of this folder; it stands in postmaster.opts, written by the server. */
const launcherOf = (pgdata: string): number =>
  Number(/kaika\.launcher=(\d+)/.exec(read(join(pgdata, 'postmaster.opts')) ?? '')?.[1]);

/**
 * Leaves the folder free for a new server: returns once no server runs on it. One that lost its node (kill -9) is
 * ending or is told to end; a pid file whose process is something else is removed. A server whose node is alive has
 * `patienceMs` to go.
 *
 * @throws Error when another kaika uses the folder
 */
export async function awaitOldServer(pgdata: string, log: (line: string) => void, patienceMs: number): Promise<void> {
  const started = performance.now();
  let told = false;
  for (;;) {
    const server = serverState(pgdata);
    if (!server) return;
    if (!isOurs(server.pid, pgdata)) return rmSync(join(pgdata, 'postmaster.pid'), { force: true });
    const orphan = parentOf(server.pid) !== launcherOf(pgdata);
    if (orphan && !told) {
      log(`ending the PostgreSQL that outlived its process (pid ${server.pid})`);
      signal(server.pid);
      told = true;
    }
    if (performance.now() - started > (orphan ? 120_000 : patienceMs)) {
      throw new Error(`the data folder ${pgdata} is in use by another process (PostgreSQL pid ${server.pid})`);
    }
    await sleep(50);
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGINT'); // fast shutdown
  } catch {
    // it has just ended
  }
}
