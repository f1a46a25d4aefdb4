import { mkdirSync, rmSync } from 'node:fs';
import { composeDown, composeStack, composeUp, dockerAnswers } from './compose.js';
import { askProcesses, type Print, report, startProcesses, stopProcesses } from './processes.js';
import { lastStack, readStack, stackFile, type StackState, writeStack } from './stack-file.js';

/** A stack of processes that is up stays one, even when somebody has started a Docker engine since. */
function withDocker(dir: string): boolean {
  if (readStack(dir)?.engine === 'processes') return false;
  if (dockerAnswers()) return true;
  if (lastStack(dir)?.engine === 'docker') rmSync(stackFile(dir)); // the engine is gone, and its parts with it
  return false;
}

/** Starts what is not up, and waits until all parts answer. @returns exit code: 0 when all do */
export async function up(dir: string, print: Print): Promise<number> {
  if (!withDocker(dir)) return await startProcesses(dir, print);
  const code = composeUp(print);
  if (code !== 0) return code;
  const stack = composeStack();
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeStack(dir, stack);
  return report(stack, print) === 0 ? 0 : 1;
}

/** Stops all parts and waits until they have gone; the data stay. @returns exit code */
export async function down(dir: string, print: Print): Promise<number> {
  if (!withDocker(dir)) return await stopProcesses(dir, print);
  rmSync(stackFile(dir), { force: true });
  return composeDown();
}

/** One line a part: name, state, address. @returns exit code: 0 when all run, 3 when not */
export async function status(dir: string, print: Print): Promise<number> {
  return withDocker(dir) ? report(composeStack(), print) : await askProcesses(dir, print);
}

/** What programs need; null when no stack is up. */
export const statusJson = (dir: string): StackState | null =>
  withDocker(dir) ? composeStack() : (readStack(dir) ?? null);
