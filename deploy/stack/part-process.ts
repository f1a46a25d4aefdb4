import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { readJson, writeJson } from './json-file.js';
import { identify, lives, parentOf, type ProcessIdentity, signal } from './process-identity.js';

/** One server of the stack as a child of this process. */
export interface PartProcess {
  pid: number;
  /** Resolves when it has ended, asked to or not. */
  ended: Promise<void>;
  hasEnded(): boolean;
  /** Null while it runs, after a signal, and when the program is not there. */
  exitCode(): number | null;
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

const pidFile = (dir: string, name: string): string => join(dir, `${name}.pid`);

/** Of a log file; empty when there is none. */
export const lastLines = (file: string, count = 8): string =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-count).join('\n') : '';

/** Nothing else of the caller's environment may steer a server (JAVA_TOOL_OPTIONS, a locale). */
export const bareEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C' });

/** What a command begins with so that the kernel ends it when node is gone, however it went (Linux with util-linux). */
export function deathSignal(signal: 'TERM' | 'KILL'): string[] {
  if (process.platform !== 'linux') return [];
  const probe = spawnSync('setpriv', ['--pdeathsig', signal, 'true'], { stdio: 'ignore' });
  return probe.status === 0 ? ['setpriv', '--pdeathsig', signal] : [];
}

/** Starts the command in a process group of its own: Ctrl-C at the terminal is for its users first. */
export function launch({ dir, name, command, logFile, env }: PartCommand): PartProcess {
  const [program, ...args] = [...deathSignal('TERM'), ...command];
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
  const outcome = { ended, hasEnded: () => gone, exitCode: () => child.exitCode };
  if (child.pid === undefined) return { pid: 0, ...outcome, stop: () => ended, kill: () => ended };
  writeJson(pidFile(dir, name), { server: identify(child.pid), launcher: identify(process.pid) });
  child.unref();
  const atExit = () => child.kill('SIGTERM'); // where there is no parent-death signal
  process.once('exit', atExit);
  child.once('close', () => process.removeListener('exit', atExit));
  return {
    pid: child.pid,
    ...outcome,
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

/**
 * Returns once the server that an earlier start left in `dir` has gone. One whose node is gone is told to end; one
 * whose node lives has `patienceMs` to go.
 *
 * @throws Error when another process uses the folder
 */
export async function awaitOldProcess(dir: string, name: string, patienceMs = 15_000): Promise<void> {
  const file = pidFile(dir, name);
  const old = readJson<{ server: ProcessIdentity; launcher: ProcessIdentity }>(file);
  if (!old) return;
  const started = performance.now();
  let told = false;
  while (lives(old.server)) {
    const waited = performance.now() - started;
    // A server that outlived its node has another parent, even while the pid of that node is somebody else's.
    const orphan = !lives(old.launcher) || parentOf(old.server.pid) !== old.launcher.pid;
    if (orphan && !told) {
      told = true;
      signal(old.server, 'SIGTERM');
    }
    if (orphan && waited > STOP_PATIENCE_MS) signal(old.server, 'SIGKILL');
    if (!orphan && waited > patienceMs) {
      throw new Error(`${dir} is in use by another process (${name}, pid ${old.server.pid})`);
    }
    await sleep(50);
  }
  rmSync(file, { force: true });
}
