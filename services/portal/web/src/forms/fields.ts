import type { FieldValues, Resolver } from 'react-hook-form';
import { z } from 'zod';
import {
  cardNumberOrTest,
  companyName,
  email,
  foldFullWidth,
  isUserCode,
  nationalId,
  parseRocDate,
  parseSerials,
  ubn,
} from '#libs/taiwan';

/** A field of a form: the server's own schema of it, and which sentence says what is wrong. */
export interface FieldRule {
  schema: z.ZodType;
  /** Key below `errors:fields` */
  wrong: string;
}

const text = z.string();
const pattern = (expression: RegExp) => text.regex(expression);
const line = (max: number) => text.trim().min(1).max(max);

/** The rules by field. Whatever the server refuses beyond them it says of the same field, in the same sentence. */
export const RULES = {
  cardNumber: { schema: cardNumberOrTest, wrong: 'cardNumber' },
  userCode: { schema: text.refine(isUserCode), wrong: 'userCode' },
  newUserCode: { schema: text.refine(isUserCode), wrong: 'userCode' },
  nationalId: { schema: nationalId, wrong: 'nationalId' },
  birthDate: { schema: text.refine((value) => parseRocDate(value) !== undefined), wrong: 'birthDate' },
  email: { schema: email, wrong: 'email' },
  ubn: { schema: ubn, wrong: 'ubn' },
  name: { schema: companyName, wrong: 'companyName' },
  serial: { schema: text.refine((value) => parseSerials(value) !== undefined), wrong: 'serial' },
  oneTimeCode: { schema: pattern(/^[0-9]{8}$/), wrong: 'oneTimeCode' },
  receipt: { schema: z.uuid(), wrong: 'receipt' },
  applicationCase: { schema: pattern(/^K\d{13}$/), wrong: 'applicationCase' },
  returnCase: { schema: pattern(/^R\d{13}$/), wrong: 'returnCase' },
  slipCode: { schema: line(64), wrong: 'required' },
  personName: { schema: line(64), wrong: 'personName' },
  phone: { schema: pattern(/^[0-9+()#\- ]{5,30}$/), wrong: 'phone' },
  address: { schema: line(200), wrong: 'address' },
  words: { schema: line(500), wrong: 'required' },
  longWords: { schema: line(1000), wrong: 'required' },
  choice: { schema: text.min(1), wrong: 'choose' },
  agreed: { schema: z.literal(true), wrong: 'agree' },
} satisfies Record<string, FieldRule>;

export type Rules = Record<string, FieldRule>;

/** As the server wants it: full-width letters and digits folded, blanks and case where they do not matter. */
const FOLDED = new Set<FieldRule>([RULES.applicationCase, RULES.returnCase]);
/** What people write stays as they write it, with its punctuation. */
const AS_WRITTEN = new Set<FieldRule>([RULES.name, RULES.personName, RULES.address, RULES.words, RULES.longWords]);

export function cleaned(rule: FieldRule | undefined, value: unknown): unknown {
  if (typeof value !== 'string' || rule === undefined) return value;
  if (AS_WRITTEN.has(rule)) return value;
  const folded = foldFullWidth(value);
  if (FOLDED.has(rule)) return folded.replace(/[\s-]/g, '').toUpperCase();
  return rule.wrong === 'userCode' || rule.wrong === 'required' ? folded : folded.trim();
}

/** react-hook-form's resolver: every field by its rule, then what belongs together. */
export function resolverOf<T extends FieldValues>(
  rules: (values: T) => Rules,
  together?: (values: T) => Record<string, string>,
): Resolver<T> {
  return (typed) => {
    const wanted = rules(typed);
    const values = Object.fromEntries(
      Object.entries(typed).map(([name, value]) => [name, cleaned(wanted[name], value)]),
    ) as T;
    const wrong: Record<string, string> = {};
    for (const [name, { schema, wrong: key }] of Object.entries(wanted)) {
      if (!schema.safeParse(values[name]).success) wrong[name] = values[name] === '' ? 'empty' : key;
    }
    for (const [name, key] of Object.entries(together?.(values) ?? {})) wrong[name] ??= key;
    if (Object.keys(wrong).length === 0) return { values, errors: {} };
    const errors = Object.fromEntries(
      Object.entries(wrong).map(([name, message]) => [name, { type: 'rule', message }]),
    );
    return { values: {}, errors: errors as never };
  };
}
