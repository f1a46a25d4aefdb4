import { describe, expect, it } from '@jest/globals';
import type { CaError } from '#libs/errors';
import { MOST_PUK_JOBS, nextPuk, pukGenerations, pukJobSent, pukRotated, type PukState, refuseWornPuk } from './puk.js';

const NEW: PukState = { pukGeneration: 1, pukRotatingTo: null, pukJobs: 0 };
const PUK_TRIES = 3;

interface Card {
  puk: number;
  /** Tries of the PUK since it was right. */
  wasted: number;
}

/**
 * How far a job comes: never to the card · taken out after so many of its commands · to its end, which the server sees,
 * or not.
 */
const ENDS = ['unused', 1, 2, 'unseen', 'seen'] as const;
type End = (typeof ENDS)[number];

/** What the agent does (CARDS.md §3), with as many commands as the card stays in for. */
function play(card: Card, { puks, next }: { puks: number[]; next: number }, end: End): void {
  let left = typeof end === 'number' ? end : end === 'unused' ? 0 : Infinity;
  for (const puk of puks) {
    if (left-- <= 0) return;
    if (puk !== card.puk) {
      card.wasted += 1;
      continue;
    }
    card.wasted = 0;
    if (puk !== next && left > 0) card.puk = next;
    return;
  }
  throw new Error('no PUK of the job was right');
}

function job(state: PukState, card: Card, end: End): PukState {
  const sent = pukJobSent(state);
  play(card, { puks: pukGenerations(state), next: nextPuk(state) }, end);
  return end === 'seen' ? pukRotated(sent) : sent;
}

function isWorn(state: PukState, where: 'online' | 'centre'): boolean {
  try {
    refuseWornPuk(state, where);
    return false;
  } catch (error) {
    if ((error as CaError).code !== 'cardNeedsCentre') throw error;
    return true;
  }
}

function* sequences(length: number): Generator<End[]> {
  if (length === 0) return yield [];
  for (const head of sequences(length - 1)) for (const end of ENDS) yield [...head, end];
}

describe('the PUK of a card', () => {
  it('is one of those a job tries, and never comes to its last try, in every order of losses, online and at the centre', () => {
    const worst = { wasted: 0, wastedOnline: 0, toCentre: 0, defective: 0 };
    for (const ends of sequences(6)) {
      let state = NEW;
      const card: Card = { puk: 1, wasted: 0 };
      for (const end of ends) {
        const where = isWorn(state, 'online') ? 'centre' : 'online';
        if (where === 'centre') worst.toCentre += 1;
        if (isWorn(state, 'centre')) {
          worst.defective += 1;
          break;
        }
        state = job(state, card, end);
        worst.wasted = Math.max(worst.wasted, card.wasted);
        if (where === 'online') worst.wastedOnline = Math.max(worst.wastedOnline, card.wasted);
        if (end === 'seen' && state.pukGeneration !== card.puk)
          throw new Error(`it has ${card.puk}: ${ends.join(', ')}`);
      }
      if (!pukGenerations(state).includes(card.puk)) throw new Error(`the PUK was lost after ${ends.join(', ')}`);
    }
    expect(worst).toMatchObject({ wasted: PUK_TRIES - 1, wastedOnline: 1 });
    expect(worst.toCentre).toBeGreaterThan(0);
    expect(worst.defective).toBeGreaterThan(0);
  });

  it('counts before it is sent, until an end is seen', () => {
    let state = NEW;
    for (let jobs = 0; jobs < MOST_PUK_JOBS; jobs += 1) {
      expect(isWorn(state, 'online')).toBe(false);
      state = pukJobSent(state);
    }
    expect([isWorn(state, 'online'), isWorn(state, 'centre')]).toEqual([true, false]);
    expect(isWorn(pukRotated(state), 'online')).toBe(false);
  });

  it('is the next one first after a loss, then the two take turns', () => {
    const one = pukJobSent(NEW);
    expect([NEW, one, pukJobSent(one)].map(pukGenerations)).toEqual([[1], [2, 1], [1, 2]]);
    expect(pukGenerations(pukRotated(one))).toEqual([2]);
  });
});
