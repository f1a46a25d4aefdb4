import { z } from 'zod';
import { asciiUpperCase } from './text.js';

/**
 * Reads one serial (32 hex digits) or the two serials of a card side by side (64), as the screen shows them. Blanks and
 * case do not matter.
 *
 * @returns  one or two serials of 32 upper-case hex digits, or undefined
 */
export function parseSerials(text: string): string[] | undefined {
  const hex = normalise(text);
  if (!/^([0-9A-F]{32}){1,2}$/.test(hex)) return undefined;
  return hex.length === 32 ? [hex] : [hex.slice(0, 32), hex.slice(32)];
}

function normalise(text: string): string {
  return asciiUpperCase(text.replace(/\s/g, ''));
}

/** One certificate serial in a request. */
export const serial = z
  .string('a serial is a text')
  .overwrite(normalise)
  .refine((text) => /^[0-9A-F]{32}$/.test(text), 'a serial is 32 hexadecimal digits')
  .meta({
    description: 'Certificate serial: 32 hexadecimal digits; blanks and case do not matter',
    examples: ['763265FAC09837EE3919BADA82969EDA'],
  });

/** One serial, or the pair of a card, in a search; the parsed value is a list. */
export const serials = z
  .string('a serial is a text')
  .transform((text, ctx) => {
    const parsed = parseSerials(text);
    if (parsed) return parsed;
    ctx.addIssue('a serial is 32 hexadecimal digits, a card’s pair of serials 64');
    return z.NEVER;
  })
  .pipe(z.array(z.string()))
  .meta({
    description:
      'One certificate serial (32 hexadecimal digits) or the two of a card (64); blanks and case do not matter',
    examples: ['763265FAC09837EE3919BADA82969EDA'],
  });
