import { z } from 'zod';
import { requestSchemas } from '#libs/dual-control';
import { utc } from '#libs/events';
import { cardNumberOrTest } from '#libs/taiwan';
import { address, line, phone } from '../applications/application.schema.js';
import { caseNumberOf } from '../applications/case-number.js';
import { OUTCOMES, RETURN_STATES } from './return-state.js';

export const returnParams = z.object({ case: caseNumberOf('R') });

/** What the letter that comes with a card says (DOMAIN.md §2). */
const letter = {
  errorMessage: line('the error message, or what is wrong', 500),
  contact: z.strictObject({ name: line('the name of the contact person', 64), phone, address }),
};
export const announceRequest = z.object({ cardNumber: cardNumberOrTest, ...letter });
export type Announcement = z.output<typeof announceRequest>;
export type ReturnLetter = Pick<Announcement, 'errorMessage' | 'contact'>;

const words = z.object({ title: z.string(), lines: z.array(z.string()) });
const bothLanguages = z.object({ 'zh-TW': words, en: words });
export const announcedAnswer = z.object({
  caseNumber: z.string(),
  slipCode: z.string().describe('opens the progress of the case; told once, to be printed on the slip'),
  slip: bothLanguages.describe('the words of the slip that goes with the card'),
});

const state = z.enum(RETURN_STATES);
const outcome = z.enum(OUTCOMES);

/** What whoever has the slip may know: nothing personal. */
export const returnProgress = z.object({
  caseNumber: z.string(),
  state,
  outcome: outcome.nullable(),
  receivedAt: utc.nullable(),
  sentBackAt: utc.nullable(),
  registeredMail: z.string().nullable(),
  newCaseNumber: z.string().nullable().describe('of the new card, free of charge, in place of a defective one'),
});
export type ReturnProgress = z.output<typeof returnProgress>;

/** What the centre knows of a case, but for its letter. */
export const returnCase = returnProgress.extend({
  cardNumber: z.string(),
  announcedAt: utc,
  receivedBy: z.string().nullable(),
  identifiedAt: utc.nullable(),
  identifiedHow: z.enum(['proof', 'number']).nullable(),
  identifiedBy: z.string().nullable(),
  lockedAt: utc.nullable().describe('when the card locked itself, as far as that was told'),
  unlockedAt: utc.nullable(),
  askedBy: z.string().nullable(),
  decidedBy: z.string().nullable(),
  decidedAt: utc.nullable(),
  sentBackBy: z.string().nullable(),
  erasedAt: utc.nullable(),
});
export type ReturnCase = z.output<typeof returnCase>;
export const returnList = z.object({ items: z.array(returnCase), next: z.string().nullable() });
export const returnFile = returnCase.extend({
  letter: z.object(letter).nullable().describe('null: erased'),
  reply: bothLanguages.nullable().describe('the words of the letter that goes back; null: nothing is decided'),
});
export const returnQuery = z.object({
  state: state.optional(),
  after: caseNumberOf('R').optional(),
  limit: z.coerce.number('a limit is a number').int().min(1).max(100).default(50),
});
export type ReturnQuery = z.output<typeof returnQuery>;

export const receiptRequest = z.object({
  cardNumber: cardNumberOrTest.describe('as it is printed on the card that came'),
});

export const outcomeRequest = z.object({ outcome, ground: requestSchemas.ground });
export const outcomeAsked = requestSchemas.request.extend({ caseNumber: z.string(), outcome });
export type OutcomeAsked = z.output<typeof outcomeAsked>;
export const outcomesAsked = z.object({ items: z.array(outcomeAsked), next: z.number().int().nullable() });
export const outcomeApproved = z.object({ request: outcomeAsked, case: returnCase });
