import { z } from 'zod';
import { proofSchema } from '#libs/piv';
import { cardNumberOrTest, email, nationalId, rocDate, userCode } from '#libs/taiwan';
import { checkTypedTwice, newUserCodeFields } from '../user-code/new-user-code.js';
import type { Person } from './person-check.js';

/** Controls but the line feed, invisible and private-use characters. */
const UNREADABLE = /[^\P{Cc}\n]|[\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;
const WHAT_IS_WRONG_CHARACTERS = 1_000;

const representativeFields = {
  nationalId,
  birthDate: rocDate,
  confirmed: z
    .boolean()
    .meta({ description: 'The unusual national ID is right (answer to the problem nationalIdUnusual)' }),
};
const optional = <T extends z.ZodRawShape>(fields: T) => z.object(fields).partial().shape;

/** Way A, or a card whose user code is set: the user code. Way B: everything else. */
const WAY_B = ['nationalId', 'birthDate'] as const;
const WAY_B_SETS = ['email', 'newUserCode', 'newUserCodeAgain'] as const;

const pinTries = z
  .int()
  .min(0)
  .max(15)
  .optional()
  .meta({ description: 'Tries left for the PIN, as the agent read them; kept with the evidence' });

export const activationRequest = z.object({ cardNumber: cardNumberOrTest, way: z.enum(['A', 'B']) });

export const acceptanceRequest = z
  .strictObject({
    proof: proofSchema,
    pinTries,
    userCode: userCode.optional(),
    ...optional(representativeFields),
    ...optional({ email, ...newUserCodeFields }),
  })
  .superRefine((body, ctx) => checkEither(body, [...WAY_B, ...WAY_B_SETS], ctx))
  .superRefine(checkTypedTwice)
  .transform((body) => ({ proof: body.proof, person: personOf(body), pinTries: body.pinTries }));

export const resumptionRequest = z
  .strictObject({ proof: proofSchema, userCode, pinTries })
  .transform(({ userCode, ...body }) => ({ ...body, person: { userCode } }));

export const refusalRequest = z
  .strictObject({
    proof: proofSchema,
    userCode: userCode.optional(),
    ...optional(representativeFields),
    whatIsWrong: z
      .string('what is wrong is a text')
      .overwrite((text) => text.replaceAll('\r\n', '\n').trim())
      .min(1, 'say what is wrong')
      .refine(
        (text) => [...text].length <= WHAT_IS_WRONG_CHARACTERS,
        `has at most ${WHAT_IS_WRONG_CHARACTERS} characters`,
      )
      .refine((text) => !UNREADABLE.test(text), 'has a control, invisible or private-use character')
      .meta({ description: 'What is wrong in the certificates, in the holder’s words', maxLength: 1_000 }),
  })
  .superRefine((body, ctx) => checkEither(body, WAY_B, ctx))
  .transform((body) => ({ proof: body.proof, person: personOf(body), whatIsWrong: body.whatIsWrong }));

export const completionRequest = z.object({
  signature: z
    .string()
    .regex(/^[\w-]{10,700}$/, 'is not a signature in base64url')
    .transform((text) => Buffer.from(text, 'base64url')),
});

type WayFields = Partial<Record<'userCode' | (typeof WAY_B)[number] | (typeof WAY_B_SETS)[number], string>> & {
  confirmed?: boolean;
};

/** The user code alone, or all of way B's fields. */
function checkEither(body: WayFields, wayB: readonly (keyof WayFields)[], ctx: z.RefinementCtx<unknown>): void {
  const refuse = (field: string, message: string) => ctx.addIssue({ code: 'custom', path: [field], message });
  const given = wayB.filter((field) => body[field] !== undefined);
  if (body.userCode !== undefined) {
    for (const field of given) refuse(field, 'belongs to way B: not beside a user code');
  } else if (given.length === 0) {
    refuse('userCode', `is needed, or for way B ${wayB.join(', ')}`);
  } else {
    for (const field of wayB) if (body[field] === undefined) refuse(field, 'is needed for way B');
  }
}

function personOf({ userCode, nationalId, birthDate, confirmed = false, email, newUserCode }: WayFields): Person {
  if (userCode !== undefined) return { userCode };
  const sets = email !== undefined && newUserCode !== undefined ? { email, userCode: newUserCode } : undefined;
  return { nationalId: nationalId!, birthDate: birthDate!, isConfirmed: confirmed, sets };
}
