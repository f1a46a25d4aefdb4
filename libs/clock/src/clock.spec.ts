import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Clock } from './clock.js';
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
