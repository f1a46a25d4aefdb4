import { z } from 'zod';
import { userCode } from '#libs/taiwan';

/** A new user code, typed twice. */
export const newUserCodeFields = {
  newUserCode: userCode,
  newUserCodeAgain: z
    .string('the repeated user code is a text')
    .max(100, 'is not what was typed first')
    .meta({ description: 'The new user code again', format: 'password', writeOnly: true }),
};

export function checkTypedTwice(
  body: { newUserCode?: string; newUserCodeAgain?: string },
  ctx: z.RefinementCtx<unknown>,
): void {
  if (body.newUserCode === undefined || body.newUserCode === body.newUserCodeAgain) return;
  ctx.addIssue({ code: 'custom', path: ['newUserCodeAgain'], message: 'is not what was typed first' });
}
