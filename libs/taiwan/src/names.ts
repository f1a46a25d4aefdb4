import { z } from 'zod';

/** ub-organization-name and ub-organizational-unit-name, in characters: RFC 5280 appendix A.1. */
const MAX_CHARACTERS = 64;

/**
 * CJK compatibility ideographs: NFC would replace each by another ideograph, that is, change how a registered name is
 * written. They stay.
 */
const COMPATIBILITY = /([\uf900-\ufaff\u{2f800}-\u{2fa1f}]+)/u;

/**
 * Control, format (invisible, direction-changing), private-use, surrogate and non-characters, line and paragraph
 * separators. Unassigned code points pass: newer ideographs are unassigned in an older Unicode.
 */
const REFUSED = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/u;

/** NFC everywhere except at CJK compatibility ideographs; trimmed. */
export function normaliseName(text: string): string {
  return text
    .trim()
    .split(COMPATIBILITY)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
}

function nameSchema(field: string, description: string, examples: string[]) {
  return z
    .string(`${field} is a text`)
    .overwrite(normaliseName)
    .superRefine((text, ctx) => {
      const length = [...text].length;
      if (length === 0) ctx.addIssue(`${field} must not be empty`);
      if (length > MAX_CHARACTERS) ctx.addIssue(`${field} has ${length} characters; a certificate takes 64`);
      if (REFUSED.test(text)) ctx.addIssue(`${field} has a control, invisible or private-use character`);
    })
    .meta({ description: `${description}, at most 64 characters`, examples, maxLength: MAX_CHARACTERS, minLength: 1 });
}

/** The registered name, which becomes O of the subject. Never cut: too long is refused by its field name. */
export const companyName = nameSchema('the company name', 'Registered name', ['開卡示範股份有限公司']);

/** The name of a branch, which becomes OU of the subject. */
export const branchName = nameSchema('the branch name', 'Name of the branch', ['臺中分公司']);
