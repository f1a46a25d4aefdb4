import { randomInt } from 'node:crypto';
import { z } from 'zod';

const ROC_YEAR_ZERO = 1911;
const TAIPEI_OFFSET_MS = 8 * 3_600_000;
const FORM = /^K\d{13}$/;

/**
 * A new case number: `K`, the ROC year in three digits, nine random digits, a check digit. Nobody can count on from
 * one case to the next; what opens a case is the user code, not its number.
 */
export function newCaseNumber(at: Date): string {
  const year = new Date(at.getTime() + TAIPEI_OFFSET_MS).getUTCFullYear() - ROC_YEAR_ZERO;
  const digits = `${String(year).padStart(3, '0')}${String(randomInt(1e9)).padStart(9, '0')}`;
  return `K${digits}${checkDigit(digits)}`;
}

/** ISO/IEC 7064 MOD 11,10: finds every single wrong digit and nearly every pair of neighbours changed about. */
export function checkDigit(digits: string): number {
  let product = 10;
  for (const digit of digits) {
    const sum = (product + Number(digit)) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10;
}

/** A case number in a request; blanks, hyphens and case do not matter. */
export const caseNumber = z
  .string('a case number is a text')
  .overwrite((text) => text.replace(/[ \t-]/g, '').replace(/^k/, 'K'))
  .refine((text) => FORM.test(text), 'a case number is K and 13 digits')
  .refine((text) => checkDigit(text.slice(1, -1)) === Number(text.at(-1)), 'the check digit of this number is wrong')
  .meta({ description: 'Case number: K, ROC year, ten digits; the last one checks the others' });
