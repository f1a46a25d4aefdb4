import { z } from 'zod';
import { asciiUpperCase } from './text.js';

const PRODUCTION = /^[A-Z]{2}\d{14}$/;
const TEST = /^[A-Z]{4}\d{12}$/;

/**
 * Reads a card number as printed or typed: blanks removed, a–z upper-cased.
 *
 * @param testMode  also takes test cards: four letters and twelve digits
 * @returns         the sixteen characters, or undefined
 */
export function parseCardNumber(text: string, { testMode = false } = {}): string | undefined {
  const normalised = normalise(text);
  return PRODUCTION.test(normalised) || (testMode && TEST.test(normalised)) ? normalised : undefined;
}

function normalise(text: string): string {
  return asciiUpperCase(text.replace(/[ \t]/g, ''));
}

function schema(testMode: boolean, description: string, examples: string[]) {
  return z
    .string('a card number is a text')
    .overwrite(normalise)
    .refine((text) => parseCardNumber(text, { testMode }) !== undefined, `not a card number: ${description}`)
    .meta({ description: `Card number: ${description}; blanks and case do not matter`, examples });
}

/** A card number in a request. */
export const cardNumber = schema(false, '2 letters and 14 digits', ['TT00000000000051']);

/** A card number in a request to an instance in test mode. */
export const cardNumberOrTest = schema(true, '2 letters and 14 digits, or 4 letters and 12 digits for a test card', [
  'TT00000000000051',
  'TTAJ000000000321',
]);
