import { z } from 'zod';
import { nationalId, rocDate } from '#libs/taiwan';
import { address, applicantFields, checkKind, line, phone, state } from '../applications/application.schema.js';
import { caseNumber } from '../applications/case-number.js';

/** 設立, 變更. */
const REGISTRATION_KINDS = ['establishment', 'change'] as const;

/** ROC year 1: at activation the date is typed in the ROC calendar, which has none before. */
const EARLIEST = '1912-01-01';

const birthDate = z
  .union([z.iso.date().refine((iso) => iso >= EARLIEST), rocDate], {
    error: 'a birth date is YYYY-MM-DD, or YYYMMDD of the ROC calendar; not before 1912',
  })
  .meta({ description: 'Birth date: ISO, or of the ROC calendar', examples: ['1987-02-21', '0760221'] });

const registration = z.strictObject({
  caseNumber: z
    .string('the office’s case number is a text')
    .regex(/^[\x21-\x7e]{1,40}$/, 'a case number is 1 to 40 half-width characters without blanks')
    .meta({ description: 'The office’s own number of the registration: one push each', examples: ['1150012345'] }),
  kind: z.enum(REGISTRATION_KINDS).meta({ description: '設立 or 變更' }),
});

const representative = z.strictObject({
  name: line('the name of the responsible person', 64),
  nationalId,
  birthDate,
  confirmed: z
    .boolean()
    .default(false)
    .meta({ description: 'The unusual national ID is right (answer to the problem nationalIdUnusual)' }),
});

/** What an office pushes of a registration it approved, whose form had the box for a card ticked (併案申請). */
export const combinedRequest = z
  .object({ registration, ...applicantFields, representative, contact: z.strictObject({ address, phone }) })
  .superRefine(checkKind);
export type CombinedRequest = z.output<typeof combinedRequest>;

export const combinedParams = z.object({ case: caseNumber });
export const combinedAnswer = z.object({ caseNumber: z.string(), state });

/** What the office that pushed it may know. */
export const combinedProgress = combinedAnswer.extend({
  officeCase: z.string(),
  receivedAt: z.iso.datetime(),
  cardNumber: z.string().nullable(),
  dispatchedAt: z.iso.datetime().nullable(),
});
export type CombinedProgress = z.output<typeof combinedProgress>;
