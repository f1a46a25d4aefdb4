import { z } from 'zod';

/** A date as a form has it: compact text (YYYMMDD or YYMMDD), or the three boxes 民國 年 月 日. */
export type RocDateInput = string | { year: number; month: number; day: number };

const ROC_YEAR_ZERO = 1911;
const COMPACT = /^(\d{2,3})(\d{2})(\d{2})$/;

/**
 * Reads a date of the ROC calendar (year 1 = 1912; leap years follow the Gregorian year).
 *
 * @returns  the ISO date (YYYY-MM-DD), or undefined when there is no such day
 */
export function parseRocDate(input: RocDateInput): string | undefined {
  const parts = typeof input === 'string' ? compactParts(input) : input;
  if (!parts) return undefined;
  const { year, month, day } = parts;
  if (![year, month, day].every(Number.isInteger) || year < 1 || year > 999) return undefined;
  const date = new Date(Date.UTC(year + ROC_YEAR_ZERO, month - 1, day));
  // A day that does not exist rolls over into another month.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.toISOString().slice(0, 10);
}

function compactParts(text: string) {
  const match = COMPACT.exec(text);
  return match ? { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) } : undefined;
}

/**
 * Writes an ISO date as pages and the printed form show it: 民國76年2月21日.
 *
 * @throws RangeError for what is no date, or before ROC year 1
 */
export function toRoc(isoDate: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(isoDate);
  const [year, month, day] = match ? match.slice(1).map(Number) : [];
  const roc = { year: (year ?? 0) - ROC_YEAR_ZERO, month: month ?? 0, day: day ?? 0 };
  if (parseRocDate(roc) === undefined) throw new RangeError('not a date of the ROC calendar');
  return `民國${roc.year}年${roc.month}月${roc.day}日`;
}

/** A date in a request that may not be later than a day known when the request is read (birth dates: today). */
export function rocDateUpTo(lastIsoDate: () => string) {
  return schema((iso) => (iso > lastIsoDate() ? 'this date is in the future' : undefined));
}

/** A date of the ROC calendar in a request; the parsed value is the ISO date. */
export const rocDate = schema(() => undefined);

function schema(refuse: (iso: string) => string | undefined) {
  const box = z.number();
  return z
    .union([z.string(), z.strictObject({ year: box, month: box, day: box })], 'a date is YYYMMDD or {year, month, day}')
    .transform((input, ctx) => {
      const iso = parseRocDate(input);
      const problem = iso === undefined ? 'not a date of the ROC calendar (YYYMMDD, half-width digits)' : refuse(iso);
      if (problem === undefined && iso !== undefined) return iso;
      ctx.addIssue(problem!);
      return z.NEVER;
    })
    .pipe(z.iso.date())
    .meta({
      description: 'Date of the ROC calendar (year = AD − 1911): YYYMMDD, YYMMDD or {year, month, day}',
      examples: ['0760221', { year: 76, month: 2, day: 21 }],
    });
}
