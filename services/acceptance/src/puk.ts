import { CaError } from '#libs/errors';
import type { Card } from './card.entity.js';

/** What is known of a card's PUK (CARDS.md §3, last row of its table). */
export type PukState = Pick<Card, 'pukGeneration' | 'pukRotatingTo' | 'pukJobs'>;

/**
 * Of two, one is right: a job that never reached its end has cost the card at most one try. A PUK has three, and the
 * last is never used.
 */
export const MOST_PUK_JOBS = 2;

/** The generations a job has to try, in this order; after a job whose end nobody saw the newer is likelier. */
export function pukGenerations({ pukGeneration, pukRotatingTo }: PukState): number[] {
  return pukRotatingTo === null ? [pukGeneration] : [pukRotatingTo, pukGeneration];
}

/** The one that every job rotates to until an end is seen: the card never holds one of three. */
export const nextPuk = ({ pukGeneration }: PukState): number => pukGeneration + 1;

/** Before a job with PUKs is sent. */
export function pukJobSent(state: PukState): PukState {
  return { ...state, pukRotatingTo: nextPuk(state), pukJobs: state.pukJobs + 1 };
}

/** The card has signed that the job came to its end. */
export function pukRotated(state: PukState): PukState {
  return { pukGeneration: nextPuk(state), pukRotatingTo: null, pukJobs: 0 };
}

/** @throws CaError cardNeedsCentre */
export function refuseWornPuk({ pukJobs }: PukState): void {
  if (pukJobs < MOST_PUK_JOBS) return;
  throw new CaError('cardNeedsCentre', 'two jobs with its PUK came to no end that was seen; send the card in');
}
