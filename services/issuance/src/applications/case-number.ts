import { z } from 'zod';
import { randomDigits } from '#libs/credentials';
import { asciiUpperCase } from '#libs/taiwan';

const ROC_YEAR_ZERO = 1911;
const TAIPEI_OFFSET_MS = 8 * 3_600_000;
/** `K`: an application; `R`: a card that was sent in. */
type Letter = 'K' | 'R';

/**
 * A new case number: `K` or `R`, the ROC year in three digits, nine random digits, a check digit. Nobody can count on
 * from one case to the next; what opens a case is its code, not its number.
 */
export function newCaseNumber(at: Date, letter: Letter = 'K'): string {
  const year = new Date(at.getTime() + TAIPEI_OFFSET_MS).getUTCFullYear() - ROC_YEAR_ZERO;
  const digits = `${String(year).padStart(3, '0')}${randomDigits(9)}`;
  return `${letter}${digits}${checkDigit(digits)}`;
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
export const caseNumberOf = (letter: Letter) =>
  z
    .string('a case number is a text')
    .overwrite((text) => asciiUpperCase(text.replace(/[ \t-]/g, '')))
    .regex(new RegExp(`^${letter}\\d{13}$`), `a case number is ${letter} and 13 digits`)
    .refine((text) => checkDigit(text.slice(1, -1)) === Number(text.at(-1)), 'the check digit of this number is wrong')
    .meta({ description: `Case number: ${letter}, ROC year, ten digits; the last one checks the others` });
export const caseNumber = caseNumberOf('K');
