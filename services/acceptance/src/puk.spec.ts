import { describe, expect, it } from '@jest/globals';
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
const ENDS = ['unused', 1, 2, 3, 'unseen', 'seen'] as const;
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

function isWorn(state: PukState): boolean {
  try {
    refuseWornPuk(state);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'cardNeedsCentre' });
    return true;
  }
}

function* sequences(length: number): Generator<End[]> {
  if (length === 0) return yield [];
  for (const head of sequences(length - 1)) for (const end of ENDS) yield [...head, end];
}

describe('the PUK of a card', () => {
  it('is one of those a job tries, wherever jobs before it were lost, and is never near its last try', () => {
    for (const ends of sequences(4)) {
      let state = NEW;
      const card: Card = { puk: 1, wasted: 0 };
      for (const end of ends) {
        if (isWorn(state)) break;
        expect(pukGenerations(state)).toContain(card.puk);
        state = job(state, card, end);
        expect(card.wasted).toBeLessThan(PUK_TRIES - 1);
      }
      expect(pukGenerations(state)).toContain(card.puk);
      // At the centre, whatever happened before; then online again.
      state = job(state, card, 'seen');
      expect(state).toEqual({ pukGeneration: card.puk, pukRotatingTo: null, pukJobs: 0 });
      expect(isWorn(state)).toBe(false);
    }
  });

  it('counts before it is sent, until an end is seen', () => {
    let state = NEW;
    for (let jobs = 0; jobs < MOST_PUK_JOBS; jobs += 1) {
      expect(isWorn(state)).toBe(false);
      state = pukJobSent(state);
    }
    expect(isWorn(state)).toBe(true);
    expect(pukGenerations(state)).toEqual([2, 1]);
    expect(isWorn(pukRotated(state))).toBe(false);
    expect(pukGenerations(pukRotated(state))).toEqual([2]);
  });
});
