import { describe, expect, it } from '@jest/globals';
import { caseNumber, checkDigit, newCaseNumber } from './case-number.js';

const AT = new Date('2026-11-21T12:00:00Z');

describe('a case number', () => {
  it('has the check digit of ISO/IEC 7064 MOD 11,10', () => {
    expect(checkDigit('0794')).toBe(5);
    expect(checkDigit('79462')).toBe(3);
  });

  it('carries the ROC year of Taipei and passes its own check', () => {
    expect(newCaseNumber(AT)).toMatch(/^K115\d{10}$/);
    expect(newCaseNumber(new Date('2026-12-31T16:00:00Z'))).toMatch(/^K116/);
    for (let i = 0; i < 200; i += 1) expect(caseNumber.safeParse(newCaseNumber(AT)).success).toBe(true);
  });

  it('cannot be guessed from another one', () => {
    const seen = new Set(Array.from({ length: 1_000 }, () => newCaseNumber(AT)));
    expect(seen.size).toBeGreaterThan(998);
  });

  it('is read with blanks, hyphens and a small k', () => {
    const number = newCaseNumber(AT);
    expect(caseNumber.parse(` k${number.slice(1, 4)}-${number.slice(4, 9)} ${number.slice(9)}`)).toBe(number);
  });

  it('refuses every single wrong digit', () => {
    const number = newCaseNumber(AT);
    for (let i = 1; i < number.length; i += 1) {
      for (let digit = 0; digit < 10; digit += 1) {
        const changed = `${number.slice(0, i)}${digit}${number.slice(i + 1)}`;
        expect(caseNumber.safeParse(changed).success).toBe(changed === number);
      }
    }
  });

  it.each(['', 'K', 'K115012345678', 'X1150123456789', 'K１１５0123456789', 'K11501234567890'])(
    'refuses %s',
    (text) => {
      expect(caseNumber.safeParse(text).success).toBe(false);
    },
  );
});
