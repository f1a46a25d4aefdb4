import { z } from 'zod';
import { asciiUpperCase } from './text.js';

/** A is 10, B is 11 …; the order is historical: I and O were added last, W after Y. */
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVXYWZIO';
const WEIGHTS = [1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1];
const NATIONAL_OR_NEW_RESIDENT = /^[A-Z][1289]\d{8}$/;
const OLD_RESIDENT = /^[A-Z][A-D]\d{8}$/;
const OLD_RESIDENT_END_MS = Date.parse('2031-01-01T00:00:00+08:00');

/** Trimmed and with a–z in upper case: the form that is compared, stored and hashed, at intake and at activation. */
export function normaliseNationalId(text: string): string {
  return asciiUpperCase(text.trim());
}

/**
 * Checks format and checksum of a normalised national ID, new resident ID (second character 8 or 9) or old resident ID
 * (second character A–D, until 2031-01-01). A warning is not an error: foreign representatives have passports only, so
 * the user may confirm it (problem 422 with `confirmable: true`).
 *
 * @param at  the moment of the check; only old resident IDs depend on it
 */
export function checkNationalId(text: string, at: Date): 'ok' | 'warning' {
  const old = OLD_RESIDENT.test(text);
  if (!old && !NATIONAL_OR_NEW_RESIDENT.test(text)) return 'warning';
  if (old && at.getTime() >= OLD_RESIDENT_END_MS) return 'warning';
  return checksum(text) === 0 ? 'ok' : 'warning';
}

/** The first letter counts as two digits; the second letter of an old resident ID as the last of its two. */
function checksum(text: string): number {
  const second = /\d/.test(text[1]!) ? text[1]! : String(letterValue(text[1]!) % 10);
  const digits = `${letterValue(text[0]!)}${second}${text.slice(2)}`;
  return WEIGHTS.reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0) % 10;
}

function letterValue(letter: string): number {
  return LETTERS.indexOf(letter) + 10;
}

/**
 * A national ID in a request: the hard limits only (1–20 printable ASCII characters after trimming), because anything
 * else is a warning the user may confirm: see `checkNationalId`.
 */
export const nationalId = z
  .string('a national ID is a text')
  .overwrite(normaliseNationalId)
  .superRefine((text, ctx) => {
    if (text === '') ctx.addIssue('a national ID must not be empty');
    else if (!/^[\x20-\x7e]{1,20}$/.test(text)) {
      ctx.addIssue('a national ID is at most 20 half-width letters, digits and signs');
    }
  })
  .meta({
    description:
      'National ID, resident ID or passport number of the responsible person; trimmed and upper-cased. ' +
      'A wrong format or checksum is a warning that may be confirmed.',
    examples: ['A123456789', 'A800000014', '12345678'],
  });
