import { type Field, fieldsOf, sample, type Schema } from './contract.js';

/** A body with one thing wrong. */
export interface BadBody {
  what: string;
  json: unknown;
  /** JSON pointer of what is wrong. */
  at: string;
  /** Text that a person may write: it is as well accepted as refused. */
  free: boolean;
}

const OF_ANY_TYPE: [string, unknown][] = [
  ['string', 'text'],
  ['number', 5],
  ['boolean', true],
  ['object', {}],
  ['array', []],
];
/** None of them is a number, a code, a date, an address or a choice. */
const STRANGE_TEXTS = {
  'full-width digits': '１２３４５６７８',
  SQL: `'; drop table application; select '1`,
  'a script': `<script>alert('x')</script>`,
  'a zero octet': 'a\u0000b',
  'half a character': 'a\ud800b',
};
const TOO_LONG = 'x'.repeat(10_000);
/** People's own words, an office's own number, and what the check of the card's proof decides on. */
const FREE_TEXT =
  /\/(name|branch|address|reason|ground|outcome|whatIsWrong|errorMessage|registration\/caseNumber|proof\/(origin|session|cardNumber))$/;

/** Every field missing, of every wrong type, too long, of strange text; and a field nobody knows at every level. */
export function badBodies(schema: Schema): BadBody[] {
  const good = sample(schema);
  const fields = fieldsOf(schema);
  const levels = [{ steps: [] as string[], schema }, ...fields].filter(
    (level) => level.schema.additionalProperties === false,
  );
  return [
    ...fields.flatMap((field) => badValues(field).map((bad) => ({ ...bad, json: replaced(good, field, bad.json) }))),
    ...levels.map(({ steps }) => ({
      what: 'unknown',
      at: pointer([...steps, 'unheard-of']),
      json: withMember(good, steps, 'unheard-of', 'x'),
      free: false,
    })),
  ];
}

const MISSING = Symbol('missing');

function badValues({ steps, schema, required }: Field): BadBody[] {
  const at = pointer(steps);
  const bad = (what: string, json: unknown, free = false): BadBody => ({ what, at, json, free });
  const values = [bad('null', null)];
  if (required) values.push(bad('missing', MISSING));
  const types = typesOf(schema).map((type) => (type === 'integer' ? 'number' : type));
  for (const [type, value] of OF_ANY_TYPE) if (!types.includes(type)) values.push(bad(type, value));
  if (!types.includes('string')) return values;
  values.push(bad('too long', TOO_LONG));
  for (const [what, text] of Object.entries(STRANGE_TEXTS)) values.push(bad(what, text, FREE_TEXT.test(at)));
  return values;
}

function typesOf(schema: Schema): string[] {
  return schema.anyOf ? schema.anyOf.flatMap(typesOf) : [schema.type ?? 'object'];
}

const pointer = (steps: string[]) => steps.map((step) => `/${step}`).join('');

function replaced(good: unknown, { steps }: Field, value: unknown): unknown {
  return withMember(good, steps.slice(0, -1), steps.at(-1)!, value);
}

function withMember(good: unknown, steps: string[], name: string, value: unknown): unknown {
  const body = structuredClone(good);
  // What may be left out is not in a good body.
  const parent = steps.reduce((inner, step) => ((inner as Record<string, unknown>)[step] ??= {}), body);
  if (value === MISSING) delete (parent as Record<string, unknown>)[name];
  else (parent as Record<string, unknown>)[name] = value;
  return body;
}
