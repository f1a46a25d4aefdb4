import { CaError } from '#libs/errors';
import type { Card } from './card.entity.js';
import { HINTS } from './hints.js';

/** What is known of a card's PUK (CARDS.md §3, last row of its table). */
export type PukState = Pick<Card, 'pukGeneration' | 'pukRotatingTo' | 'pukJobs'>;

/** Without the card in the centre's hand. */
export const MOST_PUK_JOBS = 2;
/** With it. A PUK has three tries; so many jobs waste two at most, whichever of them came how far. */
export const MOST_PUK_JOBS_AT_ALL = 5;

/**
 * The generations a job has to try, in this order; one of two is right. After the first job without an end the newer is
 * likelier. Then they take turns: a job that was lost at its wrong one is followed by one that begins with the right one.
 */
export function pukGenerations({ pukGeneration, pukRotatingTo, pukJobs }: PukState): number[] {
  if (pukRotatingTo === null) return [pukGeneration];
  return pukJobs % 2 === 1 ? [pukRotatingTo, pukGeneration] : [pukGeneration, pukRotatingTo];
}

/** The one that every job rotates to until an end is seen: the card never holds one of three. */
export const nextPuk = ({ pukGeneration }: PukState): number => pukGeneration + 1;

/** Before a job with PUKs is sent. */
export function pukJobSent(state: PukState): PukState {
  return { ...state, pukRotatingTo: nextPuk(state), pukJobs: state.pukJobs + 1 };
}

/** Whether the next job is the last that can be made online: who asks for it is warned. */
export const isLastOnline = ({ pukJobs }: PukState): boolean => pukJobs === MOST_PUK_JOBS - 1;

/** The card has signed that the job came to its end. */
export function pukRotated(state: PukState): PukState {
  return { pukGeneration: nextPuk(state), pukRotatingTo: null, pukJobs: 0 };
}

/** @throws CaError cardNeedsCentre */
export function refuseWornPuk({ pukJobs }: PukState, where: 'online' | 'centre'): void {
  if (pukJobs < (where === 'online' ? MOST_PUK_JOBS : MOST_PUK_JOBS_AT_ALL)) return;
  const then = where === 'online' ? 'send the card in' : 'the card is defective; issue another';
  const hint = where === 'online' ? HINTS.sendIn : HINTS.defective;
  throw new CaError('cardNeedsCentre', `${pukJobs} jobs with its PUK came to no end that was seen; ${then}`, { hint });
}
