import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync, existsSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { sleep } from '#libs/clock';

/** One server of the stack as a child of this process. */
export interface PartProcess {
  pid: number;
  /** Resolves when it has ended, asked to or not. */
  ended: Promise<void>;
  hasEnded(): boolean;
  /** SIGTERM, and SIGKILL when that has not ended it in 30 s. Resolves when it has gone. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when it has gone. */
  kill(): Promise<void>;
}

export interface PartCommand {
  /** Working folder and home of `<name>.pid`. */
  dir: string;
  /** As in the pid file and in messages. */
  name: string;
  command: string[];
  /** Takes standard output and error; the one before is kept as `.old`. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
}

const STOP_PATIENCE_MS = 30_000;

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

export const lastLines = (file: string, count = 8): string =>
  (read(file) ?? '').trim().split('\n').slice(-count).join('\n');

/** Nothing else of the caller's environment may steer a server (JAVA_TOOL_OPTIONS, a locale). */
export const bareEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C' });

/** The kernel sends SIGTERM to the server when node is gone, however it went (Linux with util-linux). */
function deathSignal(): string[] {
  if (process.platform !== 'linux') return [];
  const probe = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' });
  return probe.status === 0 ? ['setpriv', '--pdeathsig', 'TERM'] : [];
}

/** Starts the command in a process group of its own: Ctrl-C at the terminal is for its users first. */
export function launch({ dir, name, command, logFile, env }: PartCommand): PartProcess {
  const [program, ...args] = [...deathSignal(), ...command];
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.old`);
  const fd = openSync(logFile, 'a', 0o600);
  const stdio = ['ignore', fd, fd] as const;
  const child = spawn(program!, args, { cwd: dir, stdio: [...stdio], env: env ?? bareEnvironment(), detached: true });
  closeSync(fd);
  let gone = false;
  const ended = new Promise<void>((done) => {
    const end = () => {
      gone = true;
      done();
    };
    child.once('close', end);
    child.once('error', (e) => {
      writeFileSync(logFile, `${e.message}\n`, { flag: 'a' });
      end();
    });
  });
  if (child.pid === undefined) return { pid: 0, ended, hasEnded: () => gone, stop: () => ended, kill: () => ended };
  writeFileSync(join(dir, `${name}.pid`), `${child.pid} ${process.pid}\n`);
  child.unref();
  const atExit = () => child.kill('SIGTERM'); // where there is no parent-death signal
  process.once('exit', atExit);
  child.once('close', () => process.removeListener('exit', atExit));
  return {
    pid: child.pid,
    ended,
    hasEnded: () => gone,
    stop: () => stop(child, ended),
    kill: async () => {
      child.ref(); // nothing else may keep node waiting for it
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.ref();
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  await ended;
  clearTimeout(impatience);
}

export function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  if (status !== undefined) return !/^State:\s+Z/m.test(status);
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const ps = (pid: number, column: string): string => {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return '';
  }
};

/** A pid is given out again after a reboot: only a process that works in this very folder is the one we mean. */
function worksIn(pid: number, dir: string, word: string): boolean {
  if (!isAlive(pid)) return false;
  const command = read(`/proc/${pid}/cmdline`) ?? ps(pid, 'args');
  if (!command.includes(word)) return false;
  try {
    const [theirs, ours] = [statSync(readlinkSync(`/proc/${pid}/cwd`)), statSync(dir)];
    return theirs.ino === ours.ino && theirs.dev === ours.dev;
  } catch {
    return process.platform !== 'linux';
  }
}

const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? ps(pid, 'ppid'));

/**
 * Returns once no server left by an earlier start works in `dir`. One whose node is gone is told to end; one whose node
 * lives has `patienceMs` to go.
 *
 * @param word stands in the server's command line
 * @throws Error when another process uses the folder
 */
export async function awaitOldProcess(dir: string, name: string, word: string, patienceMs = 15_000): Promise<void> {
  const file = join(dir, `${name}.pid`);
  const [pid, launcher] = (read(file) ?? '').split(' ').map(Number);
  if (!pid || !launcher) return;
  const started = performance.now();
  let orphan = false;
  while (worksIn(pid, dir, word)) {
    const waited = performance.now() - started;
    if (!orphan && parentOf(pid) !== launcher) {
      orphan = true;
      process.kill(pid, 'SIGTERM');
    }
    if (orphan && waited > STOP_PATIENCE_MS) process.kill(pid, 'SIGKILL');
    if (!orphan && waited > patienceMs) throw new Error(`${dir} is in use by another process (${name}, pid ${pid})`);
    await sleep(50);
  }
  rmSync(file, { force: true });
}
