import { describe, expect, it } from '@jest/globals';
import { decide, REQUEST_STATES, stateOf } from './rules.js';

const EXPIRES = new Date('2026-11-22T10:00:00Z');
const BEFORE = new Date(EXPIRES.getTime() - 1);
const request = (state: (typeof REQUEST_STATES)[number]) => ({ state, requestedBy: 'anna', expiresAt: EXPIRES });

describe('a decision on a request', () => {
  it('is of another person, in time, once, for every state, verdict, person and moment', () => {
    for (const state of REQUEST_STATES) {
      for (const verdict of ['approved', 'rejected'] as const) {
        for (const by of ['anna', 'ben', 'cleo']) {
          for (const at of [BEFORE, EXPIRES]) {
            const expected = () => {
              if (by === 'anna') return 'ownRequest';
              if (state === verdict) return 'already';
              if (state === 'approved' || state === 'rejected') return 'requestDecided';
              return state === 'expired' || at === EXPIRES ? 'requestExpired' : 'decide';
            };
            expect({ state, verdict, by, at, outcome: decide(request(state), verdict, by, at) }).toEqual({
              state,
              verdict,
              by,
              at,
              outcome: expected(),
            });
          }
        }
      }
    }
  });

  it('compares persons to the letter', () => {
    for (const by of ['Anna', 'anna ', '']) expect(decide(request('open'), 'approved', by, BEFORE)).toBe('decide');
  });
});

describe('the state of a request', () => {
  it('is expired from the moment it expires, if it is open, and else what was decided', () => {
    expect(stateOf(request('open'), BEFORE)).toBe('open');
    expect(stateOf(request('open'), EXPIRES)).toBe('expired');
    for (const state of ['approved', 'rejected', 'expired'] as const)
      expect(stateOf(request(state), EXPIRES)).toBe(state);
  });
});
