import { z } from 'zod';
import type { ErrorCode } from '#libs/errors';
import { utc } from '#libs/events';
import type { DualControlRequest } from './dual-control.js';
import { REQUEST_STATES } from './rules.js';

const MAX_GROUND = 500;

/** Why somebody acts, in words; kept with the act. Control characters but line breaks are refused. */
export const ground = z
  .string('a ground is a text')
  .trim()
  .min(1, 'a ground must not be empty')
  .max(MAX_GROUND, `a ground has at most ${MAX_GROUND} characters`)
  .refine((text) => !/[^\P{C}\n]/u.test(text), 'a ground has no control or invisible characters but line breaks');

export const nothing = z.object({});
export const groundBody = z.object({ ground });
export const requestParams = z.object({ id: z.uuid() });
export const requestsQuery = z.object({
  state: z.enum(REQUEST_STATES).optional(),
  after: z.coerce.number().int().min(0).max(2_147_483_647).default(0).describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type RequestsQuery = z.output<typeof requestsQuery>;

/** What every request of two persons has. */
export const request = z.object({
  id: z.uuid(),
  ground: z.string(),
  state: z.enum(REQUEST_STATES),
  requestedBy: z.string(),
  requestedAt: utc,
  expiresAt: utc,
  decidedBy: z.string().nullable(),
  decidedAt: utc.nullable(),
  rejectionGround: z.string().nullable(),
});

export const DECIDED = ['notFound', 'ownRequest', 'requestDecided', 'requestExpired'] as const satisfies ErrorCode[];

export function viewOf(stored: DualControlRequest<{ ground: string }>): z.output<typeof request> {
  return {
    id: stored.id,
    ground: stored.parameters.ground,
    state: stored.state,
    requestedBy: stored.requestedBy,
    requestedAt: stored.requestedAt.toISOString(),
    expiresAt: stored.expiresAt.toISOString(),
    decidedBy: stored.decidedBy,
    decidedAt: stored.decidedAt?.toISOString() ?? null,
    rejectionGround: stored.ground,
  };
}

/** A page of requests, and the position the next one begins behind. */
export function pageOf<T extends DualControlRequest, V>(found: T[], { limit }: RequestsQuery, view: (one: T) => V) {
  return { items: found.map(view), next: found.length === limit ? found.at(-1)!.position : null };
}
