import { describe, expect, it } from '@jest/globals';
import type { CaError } from '#libs/errors';
import {
  MOST_PUK_JOBS,
  MOST_PUK_JOBS_AT_ALL,
  nextPuk,
  pukGenerations,
  pukJobSent,
  pukRotated,
  type PukState,
  refuseWornPuk,
} from './puk.js';

const NEW: PukState = { pukGeneration: 1, pukRotatingTo: null, pukJobs: 0 };
const PUK_TRIES = 3;

interface Card {
  puk: number;
  /** Tries of the PUK since it was right. */
  wasted: number;
}

/**
 * How far a job comes: never to the card · taken out after so many of its commands, the last one's answer lost, and its page
 * left or (`again`) sent once more · to its end, which the server sees, or not.
 */
const ENDS = ['unused', 1, 2, 'again 1', 'again 2', 'unseen', 'seen'] as const;
type End = (typeof ENDS)[number];

interface Job {
  puks: number[];
  next: number;
}

/** What the agent does (CARDS.md §3), with as many commands as the card stays in for. */
function play(card: Card, { puks, next }: Job, commands: number): void {
  let left = commands;
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

/** The page is sent once more after a loss: this agent sends nothing; one that is worse sends its first PUK again. */
type Again = (card: Card, job: Job) => void;
const sendNothing: Again = () => undefined;
const sendFirstPuk: Again = (card, { puks: [first] }) => {
  if (first !== card.puk) card.wasted += 1;
};

const COMMANDS: Record<End, number> = {
  ...{ unused: 0, 1: 1, 2: 2, 'again 1': 1, 'again 2': 2 },
  ...{ unseen: Infinity, seen: Infinity },
};

function job(state: PukState, card: Card, end: End, again: Again): PukState {
  const sent = pukJobSent(state);
  const order = { puks: pukGenerations(state), next: nextPuk(state) };
  play(card, order, COMMANDS[end]);
  if (String(end).startsWith('again')) again(card, order);
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

/** Of every order of losses, online and at the centre. */
function worstOf(again: Again, jobs = MOST_PUK_JOBS_AT_ALL) {
  const worst = { wasted: 0, wastedOnline: 0, toCentre: 0, defective: 0 };
  for (const ends of sequences(jobs)) {
    let state = NEW;
    const card: Card = { puk: 1, wasted: 0 };
    for (const end of ends) {
      const where = isWorn(state, 'online') ? 'centre' : 'online';
      if (where === 'centre') worst.toCentre += 1;
      state = job(state, card, end, again);
      worst.wasted = Math.max(worst.wasted, card.wasted);
      if (where === 'online') worst.wastedOnline = Math.max(worst.wastedOnline, card.wasted);
      if (end === 'seen' && state.pukGeneration !== card.puk) throw new Error(`it has ${card.puk}: ${ends.join(', ')}`);
    }
    if (isWorn(state, 'centre')) worst.defective += 1;
    if (!pukGenerations(state).includes(card.puk)) throw new Error(`the PUK was lost after ${ends.join(', ')}`);
  }
  return worst;
}

describe('the PUK of a card', () => {
  it('is one of those a job tries, and never comes to its last try, in every order of losses, online and at the centre', () => {
    const worst = worstOf(sendNothing);
    expect(worst).toMatchObject({ wasted: PUK_TRIES - 1, wastedOnline: 1 });
    expect(worst.toCentre).toBeGreaterThan(0);
    expect(worst.defective).toBeGreaterThan(0);
  });

  it('would be blocked by an agent that sends a PUK of one job twice', () => {
    const { wasted, wastedOnline } = worstOf(sendFirstPuk, MOST_PUK_JOBS_AT_ALL - 1);
    expect(wasted).toBeGreaterThanOrEqual(PUK_TRIES);
    expect(wastedOnline).toBe(PUK_TRIES - 1);
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
