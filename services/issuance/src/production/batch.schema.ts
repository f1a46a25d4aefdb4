import { z } from 'zod';
import { utc } from '#libs/events';
import { cardNumber } from '#libs/taiwan';
import { CARD_STATES } from './card-state.js';

const MAX_CARDS = 1_000;
const TOO_MANY = `at most ${MAX_CARDS} cards a batch`;

export const CARD_FAMILIES = ['virtual', 'piv', 'pivapplet', 'yubikey'] as const;
export type CardFamily = (typeof CARD_FAMILIES)[number];

const range = z
  .strictObject({ first: cardNumber, last: cardNumber })
  .refine(({ first, last }) => first.slice(0, 2) === last.slice(0, 2) && first <= last, 'ends before it begins')
  .refine(({ first, last }) => countOf(first, last) <= MAX_CARDS, TOO_MANY)
  .describe('first and last card number, both included');

/** A delivery, as a list or as a range. */
export const batchRequest = z
  .object({
    batch: z
      .string('a batch number is a text')
      .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$/, 'a batch number is 1 to 40 letters, digits and . _ / -')
      .meta({ description: 'The supplier’s number of the delivery' }),
    family: z.enum(CARD_FAMILIES),
    cardNumbers: z
      .array(cardNumber, 'card numbers are a list')
      .min(1, 'at least one card number')
      .max(MAX_CARDS, TOO_MANY)
      .refine((numbers) => new Set(numbers).size === numbers.length, 'a card number is there twice')
      .optional(),
    range: range.optional(),
  })
  .strict()
  .refine(({ cardNumbers, range: given }) => (cardNumbers === undefined) !== (given === undefined), {
    path: ['cardNumbers'],
    error: 'give either cardNumbers or range',
  })
  .transform(({ batch, family, cardNumbers, range: given }) => ({
    ...{ batch, family },
    cardNumbers: cardNumbers ?? numbersOf(given!),
  }));
export type BatchRequest = z.output<typeof batchRequest>;

const count = z.number().int();
export const batchAnswer = z.object({
  batch: z.string(),
  family: z.enum(CARD_FAMILIES),
  cards: count,
  receivedAt: utc,
  receivedBy: z.string(),
  states: z.object(Object.fromEntries(CARD_STATES.map((state) => [state, count])) as Record<(typeof CARD_STATES)[number], typeof count>), // prettier-ignore
});
export type Batch = z.output<typeof batchAnswer>;
export const batchList = z.object({ items: z.array(batchAnswer) });

/** Two letters and 14 digits: they fit a number without loss. */
const digitsOf = (text: string) => Number(text.slice(2));
const countOf = (first: string, last: string) => digitsOf(last) - digitsOf(first) + 1;

function numbersOf({ first, last }: { first: string; last: string }): string[] {
  return Array.from(
    { length: countOf(first, last) },
    (_, i) => first.slice(0, 2) + String(digitsOf(first) + i).padStart(14, '0'),
  );
}
