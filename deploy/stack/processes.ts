import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '#libs/clock';
import { lastLines } from './part-process.js';
import { answers } from './parts.js';
import { identify, lives, type ProcessIdentity, signal } from './process-identity.js';
import { lastStack, newStack, PART_NAMES, type PartName, readStack, stackFile, type StackState } from './stack-file.js';
import { notedPorts, portsOfEnvironment } from './stack-ports.js';
import { problemsOf } from './supervise.js';

export type Print = (line: string) => void;

/** A first start fetches Kafka's jars, which takes as long as the net needs. */
const UP_PATIENCE_MS = 15 * 60_000;
/** Longer than any part takes that is stopped cleanly. */
const DOWN_PATIENCE_MS = 120_000;

const isSettled = (stack: StackState): boolean => PART_NAMES.every((name) => stack.parts[name].state !== 'starting');

/** Starts the folder's supervisor unless one is up, and waits for its parts. @returns exit code: 0 when all run */
export async function startProcesses(dir: string, print: Print): Promise<number> {
  portsOfEnvironment(process.env); // a wrong one is told here, not in the log
  const before = readStack(dir);
  if (before) print(`already up (supervisor ${before.supervisor?.pid})`);
  const logFile = join(dir, 'stack.log');
  const supervisor = before?.supervisor ?? startSupervisor(dir, logFile);
  const tell = before ? () => {} : follow(logFile, print);

  const started = performance.now();
  for (;;) {
    const stack = readStack(dir);
    if (stack?.supervisor?.pid === supervisor.pid && isSettled(stack)) break;
    if (!lives(supervisor)) {
      tell();
      print(`the supervisor ended:\n${lastLines(logFile)}`);
      return 1;
    }
    if (performance.now() - started > UP_PATIENCE_MS) throw new Error(`not all parts started; see ${logFile}`);
    tell();
    await sleep(100);
  }
  tell();
  const problems = problemsOf(readStack(dir)!);
  for (const problem of problems) print(problem);
  const code = await askProcesses(dir, print);
  return problems.length > 0 || code !== 0 ? 1 : 0;
}

function startSupervisor(dir: string, logFile: string): ProcessIdentity {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.old`);
  const fd = openSync(logFile, 'a', 0o600);
  const script = join(import.meta.dirname, 'supervisor.js');
  const stdio = ['ignore', fd, fd] as const;
  const child = spawn(process.execPath, ['--enable-source-maps', script, dir], { stdio: [...stdio], detached: true });
  closeSync(fd);
  child.unref();
  return identify(child.pid!) ?? { pid: child.pid!, birth: '' };
}

/** Prints what has been added to the log since the last call. */
function follow(logFile: string, print: Print): () => void {
  let told = 0;
  return () => {
    const text = readFileSync(logFile, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    if (end > told) for (const line of text.slice(told, end - 1).split('\n')) print(line.replace(/^\S+Z /, ''));
    told = Math.max(told, end);
  };
}

/** Stops the folder's supervisor and waits until it and its parts have gone. @returns exit code 0 */
export async function stopProcesses(dir: string, print: Print): Promise<number> {
  const stack = lastStack(dir);
  const processes = PART_NAMES.map((name) => stack?.parts[name].process).filter((part) => part && lives(part));
  if (!lives(stack?.supervisor) && processes.length === 0) {
    rmSync(stackFile(dir), { force: true });
    print('not up');
    return 0;
  }
  print('stopping');
  if (stack?.supervisor) await end(stack.supervisor, DOWN_PATIENCE_MS);
  for (const part of processes) await end(part!, 30_000); // they end with their supervisor, where the kernel knows how
  rmSync(stackFile(dir), { force: true });
  print('stopped');
  return 0;
}

async function end(who: ProcessIdentity, patienceMs: number): Promise<void> {
  signal(who, 'SIGTERM');
  for (const started = performance.now(); lives(who); await sleep(50)) {
    if (performance.now() - started > patienceMs) signal(who, 'SIGKILL');
  }
}

/** What each part says itself. @returns exit code: 0 when all run, 3 when not */
export async function askProcesses(dir: string, print: Print): Promise<number> {
  return report(await asked(readStack(dir) ?? stoppedStack(dir)), print);
}

/** One line a part: name, state, `127.0.0.1:<port>`. */
export function report({ parts }: StackState, print: Print): number {
  for (const name of PART_NAMES) {
    print(`${name.padEnd(10)} ${parts[name].state.padEnd(9)} ${parts[name].address ?? '-'}`);
  }
  return PART_NAMES.every((name) => parts[name].state === 'running') ? 0 : 3;
}

function stoppedStack(dir: string): StackState {
  const stack = newStack('processes', null);
  const ports = notedPorts(dir);
  for (const name of PART_NAMES) {
    const address = ports[name] ? `127.0.0.1:${ports[name]}` : null;
    Object.assign(stack.parts[name], { state: 'stopped', address });
  }
  return stack;
}

/** `running` is what answers; a part that ought to and doesn't is `silent`. */
async function asked(stack: StackState): Promise<StackState> {
  const says = async (name: PartName) => {
    const part = stack.parts[name];
    if (part.state !== 'running' && part.state !== 'external') return part;
    return { ...part, state: (await answers(stack, name)) ? 'running' : 'silent' };
  };
  const [postgres, redis, kafka] = await Promise.all(PART_NAMES.map(says));
  return { ...stack, parts: { postgres, redis, kafka } as StackState['parts'] };
}
