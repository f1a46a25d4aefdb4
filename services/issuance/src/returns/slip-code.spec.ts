import { expect, it } from '@jest/globals';
import { isSlipCode, newSlipCode, printedSlipCode, slipDigest } from './slip-code.js';

const CASE = 'R1150123456784';

it('has 50 random bits in characters that are not taken for each other', () => {
  const codes = new Set(Array.from({ length: 1_000 }, newSlipCode));
  expect(codes.size).toBe(1_000);
  for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$/);
});

it('is read as people write it, for its own case only', () => {
  const digest = slipDigest(CASE, '10K3Q-D0M9X');
  for (const written of ['10K3QD0M9X', '10k3q d0m9x', 'IOk3q-dOm9x', 'lok3q-dom9x']) {
    expect(isSlipCode(digest, CASE, written)).toBe(true);
  }
  expect(isSlipCode(digest, CASE, '10K3Q-D0M9Y')).toBe(false);
  expect(isSlipCode(digest, 'R1150123456792', '10K3Q-D0M9X')).toBe(false);
});

it('is printed one way, however it was typed', () => {
  for (const typed of ['10K3Q-D0M9X', 'IOk3q dom9x', '10k3qd0m9x']) expect(printedSlipCode(typed)).toBe('10K3Q-D0M9X');
});
