import { z } from 'zod';
import { line } from '../applications/application.schema.js';

export const caseParams = z.object({ id: z.uuid() });
export const caseQuery = z.object({
  state: z.enum(['open', 'closed']).optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number('a limit is a number').int().min(1).max(100).default(50),
});
export type CaseQuery = z.output<typeof caseQuery>;

export const closingRequest = z.object({ outcome: line('the outcome', 500) });

const officeCase = z.object({
  id: z.string(),
  kind: z.enum(['wrong-data']),
  cardNumber: z.string(),
  /** Of the application the card was made for; null when this service has no such card. */
  caseNumber: z.string().nullable(),
  whatIsWrong: z.string(),
  openedAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  outcome: z.string().nullable(),
});
export type OfficeCase = z.output<typeof officeCase>;

export const caseList = z.object({
  items: z.array(officeCase),
  /** For the next page's `after`; null on the last one. */
  next: z.string().nullable(),
});
export type CaseList = z.output<typeof caseList>;
export const closedAnswer = z.object({ id: z.string(), outcome: z.string(), closedAt: z.iso.datetime() });
