/**
 * Days of Asia/Taipei. The zone has been UTC+8 without summer time since 1979 and this product knows no earlier moment,
 * so a fixed offset is exact.
 */
const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

/** The Taipei midnight at or before `at`: 16:00:00.000Z. */
export function lastMidnight(at: Date): Date {
  return new Date(Math.floor((at.getTime() + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS);
}

/** The Taipei midnight after `at`. */
export function nextMidnight(at: Date): Date {
  return new Date(lastMidnight(at).getTime() + DAY_MS);
}

/** The last whole second of the Taipei day of `at`: 15:59:59.000Z. */
export function endOfDay(at: Date): Date {
  return new Date(nextMidnight(at).getTime() - 1_000);
}

/** Cuts the fraction off, never rounds: a signed time may not be later than the moment it speaks of (RFC 5280 §4.1.2.5). */
export function toWholeSeconds(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1_000) * 1_000);
}

/** Taipei time for people, e.g. `2026-11-22T00:00:00+08:00`; whole seconds. */
export function rfc3339(at: Date): string {
  return `${new Date(at.getTime() + OFFSET_MS).toISOString().slice(0, 19)}+08:00`;
}
