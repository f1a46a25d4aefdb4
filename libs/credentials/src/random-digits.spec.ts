import { describe, expect, it } from '@jest/globals';
import { randomDigits } from './random-digits.js';

describe('randomDigits', () => {
  it('gives as many digits as asked for, zeros in front too, and others each time', () => {
    for (const count of [1, 6, 8, 14]) expect(randomDigits(count)).toMatch(new RegExp(`^[0-9]{${count}}$`));
    const firsts = Array.from({ length: 400 }, () => randomDigits(1));
    expect(new Set(firsts)).toEqual(new Set('0123456789'));
    expect(new Set(Array.from({ length: 100 }, () => randomDigits(14))).size).toBe(100);
  });

  it.each([0, -1, 1.5, 15, NaN])('refuses %s of them', (count) => {
    expect(() => randomDigits(count)).toThrow(RangeError);
  });
});
