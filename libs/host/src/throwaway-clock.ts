import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { systemClock, type Clock } from '#libs/clock';
import { CaError } from '#libs/errors';

const kept = z.object({ offsetMs: z.int().max(0) });

/** Repeating a move a moment later is not going back. */
const SLACK_MS = 60_000;

/**
 * Where a throw-away clock stands when it is moved to a time: forward only, since the status log's time never goes back,
 * and never past the real now.
 *
 * @returns offset in milliseconds, at most 0
 * @throws CaError invalidRequest
 */
export function offsetFor(clock: Clock, at: Date): number {
  const offsetMs = at.getTime() - systemClock().nowMs();
  if (offsetMs > 0) throw new CaError('invalidRequest', 'the clock cannot pass the real time');
  if (offsetMs < clock.offsetMs - SLACK_MS) throw new CaError('invalidRequest', 'the clock cannot go back');
  return Math.max(offsetMs, clock.offsetMs);
}

/**
 * The offset a throw-away clock was left at: it survives a kill. Undefined before the first move.
 *
 * @throws Error naming the file
 */
export function keptOffset(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return kept.parse(JSON.parse(readFileSync(file, 'utf8'))).offsetMs;
  } catch (cause) {
    throw new Error(`${file} holds no offset of a clock`, { cause });
  }
}

/** Writes it, whole or not at all. */
export function keepOffset(file: string, offsetMs: number): void {
  writeFileSync(`${file}.new`, JSON.stringify({ offsetMs }));
  renameSync(`${file}.new`, file);
}
