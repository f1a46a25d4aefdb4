import type { ErrorCode } from '#libs/errors';

/** `expired` is derived: an open request whose time is over. */
export const REQUEST_STATES = ['open', 'approved', 'rejected', 'expired'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export type Verdict = 'approved' | 'rejected';

/** What the rules look at. */
export interface Decidable {
  /** As stored: an open request stays `open` when its time is over. */
  readonly state: RequestState;
  readonly requestedBy: string;
  readonly expiresAt: Date;
}

/** Requests live this long: a day's shift can decide on the day before's. */
export const LIFETIME_MS = 24 * 3_600_000;

export type Refusal = Extract<ErrorCode, 'ownRequest' | 'requestDecided' | 'requestExpired'>;

/** @param at a request lives up to, not including, the moment it expires */
export function stateOf({ state, expiresAt }: Pick<Decidable, 'state' | 'expiresAt'>, at: Date): RequestState {
  return state === 'open' && at >= expiresAt ? 'expired' : state;
}

/**
 * What a decision does. `already`: the request is where the decision would bring it, so the first answer is given again,
 * whoever of the others decides.
 */
export function decide(request: Decidable, verdict: Verdict, by: string, at: Date): 'decide' | 'already' | Refusal {
  if (by === request.requestedBy) return 'ownRequest';
  const state = stateOf(request, at);
  if (state === 'open') return 'decide';
  if (state === 'expired') return 'requestExpired';
  return state === verdict ? 'already' : 'requestDecided';
}
