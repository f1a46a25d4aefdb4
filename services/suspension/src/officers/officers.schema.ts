import { z } from 'zod';
import { REQUEST_STATES } from '#libs/dual-control';
import { utc } from '#libs/events';
import { cardNumberOrTest } from '#libs/taiwan';
import { revocationReason, STATUSES } from '../card-status.js';
import { receipt } from '../receipts.js';

const MAX_GROUND = 500;

/** Why an officer acts, in words; kept with the act. Control characters but line breaks are refused. */
export const ground = z
  .string('a ground is a text')
  .trim()
  .min(1, 'a ground must not be empty')
  .max(MAX_GROUND, `a ground has at most ${MAX_GROUND} characters`)
  .refine((text) => !/[^\P{C}\n]/u.test(text), 'a ground has no control or invisible characters but line breaks')
  .meta({ description: 'Why: court order, letter, case number', examples: ['法院 115 年度司執字第 1 號'] });

/** No card has an older certificate. */
const FIRST_YEAR = 2000;

const compromisedAt = utc
  .refine((text) => Number(text.slice(0, 4)) >= FIRST_YEAR, `is before ${FIRST_YEAR}`)
  .describe('keyCompromise: since when the key was in wrong hands, if known; goes into invalidityDate');

export const cardParams = z.object({ n: cardNumberOrTest });
export const requestParams = z.object({ id: z.uuid() });

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

export const nothing = z.object({});
export const rejectionBody = z.object({ ground });

export const requestsQuery = z.object({
  state: z.enum(REQUEST_STATES).optional(),
  after: z.coerce.number().int().min(0).max(2_147_483_647).default(0).describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export const revocationRequest = z.object({
  id: z.uuid(),
  cardNumber: z.string(),
  reason: revocationReason,
  compromisedAt: utc.nullable(),
  ground: z.string(),
  state: z.enum(REQUEST_STATES),
  requestedBy: z.string(),
  requestedAt: utc,
  expiresAt: utc,
  decidedBy: z.string().nullable(),
  decidedAt: utc.nullable(),
  rejectionGround: z.string().nullable(),
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
