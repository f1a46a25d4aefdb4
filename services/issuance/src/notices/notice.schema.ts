import { z } from 'zod';
import { cardNumberOrTest } from '#libs/taiwan';
import { NOTICE_STATES } from './notice.js';

const state = z.enum(NOTICE_STATES);

export const noticeQuery = z.object({
  cardNumber: cardNumberOrTest.optional(),
  state: state.optional(),
  after: z.uuid('`next` of the page before').optional(),
  limit: z.coerce.number('a limit is a number').int().min(1).max(100).default(50),
});
export type NoticeQuery = z.output<typeof noticeQuery>;

/** Who got them is not told: an operator has no need to know the address. */
export const noticeList = z.object({
  items: z.array(
    z.object({
      id: z.uuid(),
      /** Of a card, or else of an application that has none yet. */
      cardNumber: z.string().nullable(),
      caseNumber: z.string().nullable(),
      kind: z.string(),
      state,
      attempts: z.number().int(),
      /** The mail server's code for the last failure. */
      problem: z.string().nullable(),
      recordedAt: z.iso.datetime(),
      doneAt: z.iso.datetime().nullable(),
    }),
  ),
  /** For the next page's `after`; null on the last one. */
  next: z.string().nullable(),
});
export type NoticeList = z.output<typeof noticeList>;
