import { z } from 'zod';
import { serialPair } from '#libs/events';
import { asciiUpperCase, cardNumberOrTest } from '#libs/taiwan';
import { CARD_STATES } from './card-state.js';

/** The body of a command that needs no words: `{}`. */
export const nothing = z.object({});

const cardNumber = cardNumberOrTest;
const state = z.enum(CARD_STATES);
export const cardParams = z.object({ n: cardNumber });

/** Making a virtual card writes a file to the disk. */
const MAX_CARDS = 100;

export const stockRequest = z.object({
  cardNumbers: z
    .array(cardNumber, 'card numbers are a list')
    .min(1, 'at least one card number')
    .max(MAX_CARDS, `at most ${MAX_CARDS} card numbers at once`)
    .refine((numbers) => new Set(numbers).size === numbers.length, 'a card number is there twice'),
});
export const stockAddedAnswer = z.object({
  cardNumbers: z.array(z.string()),
  /** Those that were new; the others stay as they are. */
  added: z.array(z.string()),
  blank: z.number().int(),
});
export const stockAnswer = z.object(Object.fromEntries(CARD_STATES.map((name) => [name, z.number().int()])));

/** As the settings name them. */
export const stationName = z
  .string('a station is a text')
  .regex(/^[a-z0-9][a-z0-9-]{0,29}$/, 'is no name of a station');
export const personalisationRequest = z.object({
  station: stationName.optional().describe('whose reader the card lies in; default: the first'),
});
export const personalisedAnswer = z.object({ cardNumber: z.string(), serials: serialPair, state });

/** 掛號 number as the post prints it. */
export const dispatchRequest = z.object({
  registeredMail: z
    .string('a registered-mail number is a text')
    .overwrite((text) => asciiUpperCase(text.replace(/[ \t-]/g, '')))
    .regex(/^[0-9A-Z]{6,20}$/, 'a registered-mail number is 6 to 20 letters and digits')
    .meta({ description: 'Registered-mail number (掛號); blanks, hyphens and case do not matter' }),
});
export const dispatchedAnswer = z.object({
  cardNumber: z.string(),
  state,
  registeredMail: z.string(),
  dispatchedAt: z.iso.datetime(),
});

const time = z.iso.datetime().nullable();
export const cardAnswer = z.object({
  cardNumber: z.string(),
  state,
  caseNumber: z.string().nullable(),
  cardUuid: z.string().nullable(),
  /** Those meant for the card; on the card when `issuedAt` is set. */
  serials: serialPair.nullable(),
  issuedAt: time,
  registeredMail: z.string().nullable(),
  dispatchedAt: time,
  /** What was done on the card; a step without `doneAt` was begun and may have happened. */
  steps: z.array(z.object({ step: z.string(), begunAt: z.iso.datetime(), doneAt: time })),
});
export type CardView = z.output<typeof cardAnswer>;
