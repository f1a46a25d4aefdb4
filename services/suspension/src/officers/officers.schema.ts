import { z } from 'zod';
import { requestSchemas } from '#libs/dual-control';
import { utc } from '#libs/events';
import { cardNumberOrTest } from '#libs/taiwan';
import { revocationReason, STATUSES } from '../card-status.js';
import { receipt } from '../receipts.js';

const ground = requestSchemas.ground.meta({
  description: 'Why: court order, letter, case number',
  examples: ['法院 115 年度司執字第 1 號'],
});

/** No card has an older certificate. */
const FIRST_YEAR = 2000;

const compromisedAt = utc
  .refine((text) => Number(text.slice(0, 4)) >= FIRST_YEAR, `is before ${FIRST_YEAR}`)
  .describe('keyCompromise: since when the key was in wrong hands, if known; goes into invalidityDate');

export const cardParams = z.object({ n: cardNumberOrTest });

export const holdBody = z.object({ holder: z.enum(['ca', 'court']), ground });
export type HoldBody = z.output<typeof holdBody>;

export const revocationBody = z
  .strictObject({ reason: revocationReason, compromisedAt: compromisedAt.optional(), ground })
  .refine(({ reason, compromisedAt }) => reason === 'keyCompromise' || compromisedAt === undefined, {
    path: ['compromisedAt'],
    error: 'goes with the reason keyCompromise only',
  });
export type RevocationBody = z.output<typeof revocationBody>;

export const extensionBody = z.object({
  until: z.iso.date('is no date such as 2026-11-21').describe('the last day for acceptance, to its end in Taipei'),
  ground,
});
export type ExtensionBody = z.output<typeof extensionBody>;

export const rejectionBody = z.object({ ground });

export const revocationRequest = requestSchemas.request.extend({
  cardNumber: z.string(),
  reason: revocationReason,
  compromisedAt: utc.nullable(),
  receiptId: z.uuid().nullable().describe('receipt of the revocation, once it is approved'),
});
export type RevocationRequest = z.output<typeof revocationRequest>;

export const revocationAnswer = z.union([revocationRequest, receipt]);
export const approvalAnswer = z.object({ request: revocationRequest, receipt });
export const requestsAnswer = z.object({ items: z.array(revocationRequest), next: z.number().int().nullable() });

export const extensionAnswer = z.object({
  cardNumber: z.string(),
  acceptBy: utc.describe('last second of the time for acceptance'),
  status: z.enum(STATUSES),
  receipt: receipt.nullable().describe('of the hold that was lifted with it; null: there was none'),
});
export type ExtensionAnswer = z.output<typeof extensionAnswer>;
