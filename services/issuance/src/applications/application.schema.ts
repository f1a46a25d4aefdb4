import { z } from 'zod';
import { branchName, cardNumberOrTest, companyName, county, email, nationalId, ubn, userCode } from '#libs/taiwan';
import { type Applicant, APPLICANT_KINDS, CARD_RANKS } from '../certificates/subject.js';
import { APPLICATION_STATES } from './application-state.js';
import { caseNumber } from './case-number.js';

/** Controls, invisible and private-use characters: nobody could read them on the printed form. */
const UNREADABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;

export const line = (description: string, maxCharacters: number) =>
  z
    .string(`${description} is a text`)
    .overwrite((text) => text.trim())
    .min(1, `${description} must not be empty`)
    .refine((text) => [...text].length <= maxCharacters, `${description} has at most ${maxCharacters} characters`)
    .refine((text) => !UNREADABLE.test(text), `${description} has a control, invisible or private-use character`)
    .meta({ description, maxLength: maxCharacters });

const representative = z.strictObject({
  name: line('the name of the responsible person', 64),
  nationalId: nationalId.optional(),
  confirmed: z
    .boolean()
    .default(false)
    .meta({ description: 'The unusual national ID is right (answer to the problem nationalIdUnusual)' }),
});

export const phone = z
  .string('a telephone number is a text')
  .overwrite((text) => text.trim())
  .regex(/^[0-9+()#\- ]{5,30}$/, 'a telephone number is 5 to 30 half-width digits and signs')
  .meta({ description: 'Telephone number', examples: ['02-2345-6789#12'] });
export const address = line('the address', 200);

const contact = z.strictObject({ name: line('the name of the contact person', 64), email, phone, address });

/** Whom the card is for. What becomes the certificate's name is checked further by `checkIssuable`. */
export const applicantFields = {
  kind: z.enum(APPLICANT_KINDS),
  name: companyName,
  branch: branchName.optional(),
  county: county.optional(),
  ubn,
  certificateEmail: email.optional(),
  rank: z.enum(CARD_RANKS).default('primary'),
};
export type ApplicantFields = z.output<z.ZodObject<typeof applicantFields>>;

/** Each kind has the fields that belong to it. */
export function checkKind({ kind, branch, county }: ApplicantFields, ctx: z.RefinementCtx): void {
  const refuse = (field: string, message: string) => ctx.addIssue({ code: 'custom', path: [field], message });
  if (kind === 'branch' && branch === undefined) refuse('branch', 'a branch must be named');
  if (kind !== 'branch' && branch !== undefined) refuse('branch', 'belongs to the kind "branch" only');
  if (kind === 'business' && county === undefined) refuse('county', 'a 商業 belongs to a county or city');
  if (kind !== 'business' && county !== undefined) refuse('county', 'belongs to the kind "business" only');
}

export function applicantOf(fields: ApplicantFields): Applicant {
  const { kind, name, branch = null, county = null, ubn, certificateEmail = null, rank } = fields;
  return { kind, name, branch, county, ubn, certificateEmail, rank };
}

/** A self-application. */
export const applicationRequest = z
  .object({ ...applicantFields, representative, contact, userCode })
  .superRefine(checkKind);
export type ApplicationRequest = z.output<typeof applicationRequest>;

export const state = z.enum(APPLICATION_STATES);
export const caseParams = z.object({ case: caseNumber });
export const reasonRequest = z.object({ reason: line('the reason', 500) });
export const listQuery = z.object({
  state: state.optional(),
  after: caseNumber.optional(),
  limit: z.coerce.number('a limit is a number').int().min(1).max(100).default(50),
});

export const receivedAnswer = z.object({ caseNumber: z.string(), state });
export const approvedAnswer = receivedAnswer.extend({ cardNumber: cardNumberOrTest });
export const reasonAnswer = receivedAnswer.extend({ reason: z.string() });

/** What the applicant sees with case number and user code. */
export const progressAnswer = z.object({
  caseNumber: z.string(),
  state,
  receivedAt: z.iso.datetime(),
  decidedAt: z.iso.datetime().nullable(),
  reason: z.string().nullable(),
  card: z
    .object({
      cardNumber: cardNumberOrTest,
      state: z.enum(['assigned', 'issued', 'dispatched']),
      registeredMail: z.string().nullable(),
    })
    .nullable(),
  /** While it is sent back: what is there to correct. The national ID is never told again. */
  correction: z
    .object({
      kind: z.enum(APPLICANT_KINDS),
      name: z.string(),
      branch: z.string().nullable(),
      county: z.string().nullable(),
      ubn: z.string(),
      certificateEmail: z.string().nullable(),
      rank: z.enum(CARD_RANKS),
      representative: z.object({ name: z.string(), nationalIdGiven: z.boolean() }),
      contact: z.object({ name: z.string(), email: z.string(), phone: z.string(), address: z.string() }),
    })
    .nullable(),
});
export type Progress = z.output<typeof progressAnswer>;

/** What the application office compares with the stamped form. Personal data stays sealed. */
export const listAnswer = z.object({
  items: z.array(
    z.object({
      caseNumber: z.string(),
      state,
      way: z.enum(['A', 'B']),
      office: z.string().nullable(),
      kind: z.enum(APPLICANT_KINDS),
      name: z.string(),
      branch: z.string().nullable(),
      county: z.string().nullable(),
      ubn: z.string(),
      certificateEmail: z.string().nullable(),
      rank: z.enum(CARD_RANKS),
      nationalIdConfirmed: z.boolean(),
      receivedAt: z.iso.datetime(),
      decidedAt: z.iso.datetime().nullable(),
      reason: z.string().nullable(),
      cardNumber: z.string().nullable(),
    }),
  ),
  /** For the next page's `after`; null on the last one. */
  next: z.string().nullable(),
});
export type ApplicationList = z.output<typeof listAnswer>;
