import { z } from 'zod';

/** Which characters a card takes: plain PIV digits only (SP 800-73-5 part 1), some cards any printable ASCII. */
export type PinCharset = 'digits' | 'ascii';

const RULES: Record<PinCharset, { pattern: RegExp; words: string }> = {
  digits: { pattern: /^[0-9]{6,8}$/, words: '6 to 8 digits' },
  ascii: { pattern: /^[\x21-\x7e]{6,8}$/, words: '6 to 8 half-width letters, digits and signs, without blanks' },
};

export function isPin(text: string, charset: PinCharset): boolean {
  return RULES[charset].pattern.test(text);
}

/**
 * A PIN typed on the card agent's own page. PINs exist only there and on the card: no schema of a server may have this
 * as a field.
 */
export function pin(charset: PinCharset) {
  return z
    .string('a PIN is a text')
    .refine((text) => isPin(text, charset), `a PIN of this card is ${RULES[charset].words}`)
    .meta({ description: `PIN: ${RULES[charset].words}`, format: 'password', writeOnly: true });
}
