import { getEventListeners } from 'node:events';
import { types } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Clock, sleep } from './clock.js';
import { endOfDay, lastMidnight, nextMidnight, rfc3339, toWholeSeconds } from './taipei.js';

describe('Clock', () => {
  it('moves back, tells its listeners, and refuses the future', () => {
    const clock = new Clock();
    let moves = 0;
    const stop = clock.onMove(() => (moves += 1));
    clock.set(-3_600_000);
    expect(Date.now() - clock.nowMs()).toBeGreaterThanOrEqual(3_599_000);
    stop();
    clock.set(-1);
    expect(moves).toBe(1);
    expect(() => clock.set(1)).toThrow(RangeError);
  });
});

describe('sleep', () => {
  const HOUR_MS = 3_600_000;

  it('ends early when any of its signals is aborted, before or meanwhile, and without one in its time', async () => {
    const [one, another] = [new AbortController(), new AbortController()];
    const asleep = sleep(HOUR_MS, one.signal, another.signal);
    another.abort();
    await asleep;
    await sleep(HOUR_MS, undefined, another.signal);
    await sleep(1, one.signal, undefined);
    await sleep(1);
    expect(one.signal.aborted).toBe(false);
  });

  it('leaves nothing on a signal that outlives it', async () => {
    const life = new AbortController();
    for (let night = 0; night < 50; night += 1) await sleep(0, life.signal, new AbortController().signal);
    expect(leftOn(life.signal)).toBe(0);
  });

  /** Listeners, and what Node itself notes of signals made of this one. */
  function leftOn(signal: AbortSignal): number {
    const notes = Object.getOwnPropertySymbols(signal)
      .map((symbol) => (signal as unknown as Record<symbol, unknown>)[symbol])
      .filter((value): value is Set<unknown> => types.isSet(value)); // of another realm, under jest
    return notes.reduce((sum, { size }) => sum + size, getEventListeners(signal, 'abort').length);
  }
});

describe('Taipei days', () => {
  const date = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  const inTaipei = new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Taipei', timeStyle: 'medium' });

  it('agree with the zone database for every moment', () => {
    fc.assert(
      fc.property(date, (at) => {
        const midnight = lastMidnight(at);
        expect(inTaipei.format(midnight)).toBe('00:00:00');
        expect(midnight <= at && at < nextMidnight(at)).toBe(true);
        expect(inTaipei.format(endOfDay(at))).toBe('23:59:59');
      }),
    );
  });

  it('give a midnight itself as the last one', () => {
    const midnight = new Date('2026-11-21T16:00:00Z');
    expect(lastMidnight(midnight)).toEqual(midnight);
    expect(lastMidnight(new Date(midnight.getTime() - 1))).toEqual(new Date('2026-11-20T16:00:00Z'));
    expect(rfc3339(midnight)).toBe('2026-11-22T00:00:00+08:00');
  });

  it('cut fractions off and never round', () => {
    expect(toWholeSeconds(new Date('2026-11-21T15:59:59.9996Z')).toISOString()).toBe('2026-11-21T15:59:59.000Z');
  });
});
