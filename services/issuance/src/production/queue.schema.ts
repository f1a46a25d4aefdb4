import { z } from 'zod';
import { requestSchemas } from '#libs/dual-control';
import { utc } from '#libs/events';
import { dispatchRequest, stationName } from './production.schema.js';

export const queueQuery = z.object({
  limit: z.coerce.number('a limit is a number').int().min(1).max(200).default(50),
});
export const stationParams = z.object({ station: stationName });

export const queued = z.object({
  position: z.number().int().describe('1: the next one'),
  cardNumber: z.string().describe('the blank card that lies in stock for it'),
  caseNumber: z.string(),
  name: z.string(),
  branch: z.string().nullable(),
  batch: z.string().nullable(),
  assignedAt: utc,
  takenBy: z.string().nullable().describe('the station that has it'),
  takenUntil: utc.nullable().describe('then it is the next one’s'),
});
export type Queued = z.output<typeof queued>;
export const queueAnswer = z.object({ items: z.array(queued), stations: z.array(z.string()) });
export const takenAnswer = z.object({ card: queued.nullable() });

export const defectRequest = z.object({ ground: requestSchemas.ground });
export const defectAnswer = z.object({
  cardNumber: z.string(),
  state: z.literal('defective'),
  defect: z.string(),
  caseNumber: z.string().nullable().describe('of the application it was meant for'),
  newCardNumber: z.string().nullable().describe('what that application has now; null: it waits for stock'),
});
export type Defect = z.output<typeof defectAnswer>;

export const correctionRequest = dispatchRequest.extend({ ground: requestSchemas.ground });
