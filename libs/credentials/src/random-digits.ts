import { randomInt } from 'node:crypto';

/** `crypto.randomInt` takes a range below 2^48. */
const MOST = 14;

/** So many decimal digits, each text of them as likely as any other, leading zeros included. @param count 1 to 14 */
export function randomDigits(count: number): string {
  if (!Number.isInteger(count) || count < 1 || count > MOST) throw new RangeError(`1 to ${MOST} digits, not ${count}`);
  return String(randomInt(10 ** count)).padStart(count, '0');
}
