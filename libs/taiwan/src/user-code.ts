import { z } from 'zod';

/** Six to ten printable ASCII characters without blanks; case counts. */
export function isUserCode(text: string): boolean {
  return /^[\x21-\x7e]{6,10}$/.test(text);
}

/**
 * A user code (用戶代碼) in a request. It is a secret: neither the message nor anything else here repeats it, and it is
 * neither trimmed nor folded.
 */
export const userCode = z
  .string('a user code is a text')
  .refine(isUserCode, 'a user code is 6 to 10 half-width letters, digits and signs, without blanks')
  .meta({
    description: 'User code (用戶代碼): 6–10 printable ASCII characters, no blank, case-sensitive. A secret.',
    examples: ['Kaika#2026'],
    format: 'password',
    writeOnly: true,
  });
