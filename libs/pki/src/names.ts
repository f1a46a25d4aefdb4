import { CaError } from '#libs/errors';
import { oid, printable, sequence, setOf, utf8 } from './der.js';
import { OID } from './oids.js';

/** A distinguished name with at most one value of each kind, encoded in the order of `NAME_FIELDS`. */
export interface Name {
  /** ISO 3166 country, two capital letters. */
  C?: string;
  L?: string;
  O?: string;
  OU?: string;
  CN?: string;
  serialNumber?: string;
}

export interface NameField {
  readonly type: string;
  /** RFC 5280 appendix A (ub-…): counted in characters, so a Han character counts once. */
  readonly maxCharacters: number;
  readonly string: 'utf8' | 'printable';
}

/**
 * In the order they are encoded. countryName and serialNumber are PrintableString by their definition
 * (X520countryName, X520SerialNumber); everything else is UTF8String.
 */
export const NAME_FIELDS = {
  C: { type: OID.country, maxCharacters: 2, string: 'printable' },
  L: { type: OID.locality, maxCharacters: 128, string: 'utf8' },
  O: { type: OID.organization, maxCharacters: 64, string: 'utf8' },
  OU: { type: OID.organizationalUnit, maxCharacters: 64, string: 'utf8' },
  CN: { type: OID.commonName, maxCharacters: 64, string: 'utf8' },
  serialNumber: { type: OID.serialNumber, maxCharacters: 64, string: 'printable' },
} as const satisfies Record<keyof Name, NameField>;

export const NAME_ORDER = Object.keys(NAME_FIELDS) as (keyof Name)[];

/** Controls, invisible format characters (they reorder or hide text), private use, lone surrogates, line breaks. */
const REFUSED_CHARACTERS = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;
const CJK_COMPATIBILITY = /([\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]+)/u;

/**
 * Refuses what may not stand in a name. Nothing is ever cut to fit (DOMAIN.md §3).
 *
 * @throws CaError subjectInvalid, with the field in its parameters
 */
export function checkName(name: Name): void {
  for (const field of NAME_ORDER) {
    const text = name[field];
    if (text !== undefined) checkField(field, text);
  }
}

function checkField(field: keyof Name, text: string): void {
  const { maxCharacters, string } = NAME_FIELDS[field];
  const refuse = (problem: string) => new CaError('subjectInvalid', `${field}: ${problem}`, { field, problem });
  const characters = [...text].length;
  if (text.trim() === '' || text !== text.trim()) throw refuse('empty, or a blank at its ends');
  if (characters > maxCharacters) throw refuse(`${characters} characters; at most ${maxCharacters} fit`);
  if (REFUSED_CHARACTERS.test(text)) throw refuse('a control, invisible or private-use character');
  if (string === 'printable' && !/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(text)) throw refuse('not a PrintableString');
  if (field === 'C' && !/^[A-Z]{2}$/.test(text)) throw refuse('not two capital letters');
}

/**
 * The DER of a name (RFC 5280 §4.1.2.4): one attribute in each RelativeDistinguishedName.
 *
 * @throws CaError subjectInvalid
 */
export function encodeName(name: Name): Buffer {
  checkName(name);
  const parts: Buffer[] = [];
  for (const field of NAME_ORDER) {
    const text = name[field];
    if (text === undefined) continue;
    const { type, string } = NAME_FIELDS[field];
    parts.push(setOf(sequence(oid(type), string === 'utf8' ? utf8(text) : printable(text))));
  }
  return sequence(...parts);
}

/**
 * NFC everywhere except inside CJK compatibility ideographs, which NFC would replace by another shape of the
 * character: a name keeps the one its owner registered (DOMAIN.md §3).
 */
export function normalizeName(text: string): string {
  return text
    .split(CJK_COMPATIBILITY)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
}
