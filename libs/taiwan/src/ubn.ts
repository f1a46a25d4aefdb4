import { z } from 'zod';

const WEIGHTS = [1, 2, 1, 2, 1, 2, 4, 1];

/**
 * Whether eight digits pass the check of a 統一編號: digit sums of the weighted digits, divisible by 5 (the rule since
 * 2023-04-01; every number of the older rule, by 10, passes too). A seventh digit of 7 weighs 28, whose digit sum 10
 * may count as 1 or as 0, so the sum or the sum plus one may pass.
 *
 * Passing proves nothing about the existence of a company.
 */
export function isUbn(text: string): boolean {
  if (!/^\d{8}$/.test(text) || text === '00000000') return false;
  const sum = WEIGHTS.reduce((total, weight, i) => {
    const product = weight * Number(text[i]);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return sum % 5 === 0 || (text[6] === '7' && (sum + 1) % 5 === 0);
}

/** A 統一編號 in a request: text of eight digits, never a number, for it may begin with 0. */
export const ubn = z
  .string('a 統一編號 is a text of 8 digits')
  .superRefine((text, ctx) => {
    if (!/^\d{8}$/.test(text)) ctx.addIssue('a 統一編號 is 8 half-width digits');
    else if (!isUbn(text)) ctx.addIssue('the check digit of this 統一編號 is wrong');
  })
  .meta({
    description: '統一編號 (unified business number): 8 digits, checked by the rule of 2023-04-01 (divisible by 5)',
    examples: ['12345675', '04595252'],
    pattern: '^[0-9]{8}$',
  });
