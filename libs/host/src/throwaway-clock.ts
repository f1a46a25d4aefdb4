import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { systemClock, type Clock } from '#libs/clock';
import { CaError } from '#libs/errors';

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

/** The offset a throw-away clock was left at: it survives a kill. Undefined before the first move. */
export function keptOffset(file: string): number | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { offsetMs: number }).offsetMs : undefined;
}

/** Writes it, whole or not at all. */
export function keepOffset(file: string, offsetMs: number): void {
  writeFileSync(`${file}.new`, JSON.stringify({ offsetMs }));
  renameSync(`${file}.new`, file);
}
