import { execFile } from 'node:child_process';
import { describe, it } from '@jest/globals';
import { missingForPcscd } from './pcscd.js';

const PATIENCE_MS = 20_000;

export interface Verdict {
  ok: boolean;
  /** Both streams: the tools do not agree on what goes where. */
  text: string;
}

/** Runs a program that knows nothing of ours, in an environment that finds the pcscd. */
export function judge(env: NodeJS.ProcessEnv, program: string, ...args: string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    execFile(program, args, { env: { ...env, LC_ALL: 'C' }, timeout: PATIENCE_MS }, (error, stdout, stderr) =>
      resolve({ ok: error === null, text: stdout + stderr }),
    );
  });
}

/**
 * A suite that needs real readers. Skipped, with the reason, where they are not installed; a CI that skips it fails, as
 * nobody reads what a green run left out.
 */
export function describeWithReaders(name: string, suite: () => void): void {
  const missing = missingForPcscd();
  if (missing && process.env['CI'] === 'true') {
    it(`${name}: real readers in CI`, () => {
      throw new Error(`missing: ${missing}`);
    });
    return;
  }
  if (missing) console.warn(`${name}: skipped, missing ${missing}`);
  const describeOrSkip = missing ? describe.skip : describe;
  describeOrSkip(name, suite);
}
