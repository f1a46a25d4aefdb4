import type { ReadCrlEntry } from './crl-reader.js';
import type { CrlReason } from './crl-reasons.js';
import { DerError, type DerReader } from './der-reader.js';

/** Extension types (2.5.29.…), their content octets as one number. */
const CRL_NUMBER = 0x551d14;
const REASON_CODE = 0x551d15;
const INVALIDITY_DATE = 0x551d18;
const AUTHORITY_KEY = 0x551d23;

/** By CRLReason number. 0 must not be encoded, 7 is unused, 8 is for delta lists (RFC 5280 §5.3.1). */
const REASONS: (CrlReason | undefined)[] = [
  undefined,
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  undefined,
  'privilegeWithdrawn',
  'aACompromise',
];
const MAX_INTEGER_OCTETS = 20;

type Building<T> = { -readonly [K in keyof T]: T[K] };

/** One member of revokedCertificates (RFC 5280 §5.1.2.6, §5.3). */
export function readEntry(reader: DerReader): ReadCrlEntry {
  const listEnd = reader.enter(0x30);
  const serial = readSerial(reader.text(0x02, 'hex'));
  const entry: Building<ReadCrlEntry> = { serial, revocationDate: reader.time() };
  if (!reader.atEnd) readExtensions(reader, entry, readEntryExtension);
  reader.leave(listEnd);
  return entry;
}

function readEntryExtension(type: number | string, value: DerReader, entry: Building<ReadCrlEntry>): boolean {
  if (type === REASON_CODE) entry.reason = readReason(value);
  else if (type === INVALIDITY_DATE) entry.invalidityDate = readInvalidityDate(value);
  else return false;
  return true;
}

function readSerial(hex: string): string {
  if (hex.length === 0 || hex.length > 2 * MAX_INTEGER_OCTETS) throw new DerError('a serial not of 1 to 20 octets');
  if (hex >= '8' || (hex.startsWith('00') && !(hex.slice(2) >= '8')))
    throw new DerError('a serial not positive in DER');
  return hex.toUpperCase();
}

function readReason(value: DerReader): CrlReason {
  const reason = REASONS[value.small(0x0a)];
  if (reason === undefined) throw new DerError('a reasonCode that stands in no complete list');
  return reason;
}

/** Always GeneralizedTime, in whole seconds (RFC 5280 §5.3.2). */
function readInvalidityDate(value: DerReader): Date {
  const text = value.text(0x18, 'latin1');
  const at = new Date(text.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z'));
  if (!/^\d{14}Z$/.test(text) || Number.isNaN(at.getTime())) throw new DerError('an invalidityDate that is no time');
  return at;
}

interface ListExtensions {
  authorityKeyId: Buffer;
  number: bigint;
}

/** crlExtensions: AuthorityKeyIdentifier with a key alone, CRLNumber (RFC 5280 §5.2.1, §5.2.3). */
export function readListExtensions(reader: DerReader): ListExtensions {
  const { authorityKeyId, number } = readExtensions(reader, {} as Partial<ListExtensions>, readListExtension);
  if (authorityKeyId === undefined || number === undefined) throw new DerError('no AKI, or no CRLNumber');
  return { authorityKeyId, number };
}

function readListExtension(type: number | string, value: DerReader, found: Partial<ListExtensions>): boolean {
  if (type === AUTHORITY_KEY) found.authorityKeyId = readAuthorityKeyId(value);
  else if (type === CRL_NUMBER) found.number = readNumber(value);
  else return false;
  return true;
}

function readAuthorityKeyId(value: DerReader): Buffer {
  const end = value.enter(0x30);
  const id = value.content(0x80);
  value.leave(end);
  return id;
}

function readNumber(value: DerReader): bigint {
  const number = value.integer();
  if (number >= 1n << 159n) throw new DerError('a CRLNumber of more than 20 octets');
  return number;
}

type ExtensionOf<T> = (type: number | string, value: DerReader, into: T) => boolean;

/** `use` says whether it knows the extension; those here are never critical, and an unknown one must not be. */
function readExtensions<T>(reader: DerReader, into: T, use: ExtensionOf<T>): T {
  const seen: (number | string)[] = [];
  const outerEnd = reader.enter(0x30);
  if (reader.atEnd) throw new DerError('an empty list of extensions');
  while (!reader.atEnd) {
    const listEnd = reader.enter(0x30);
    const type = reader.shortIdentifier();
    if (seen.includes(type)) throw new DerError('an extension twice');
    seen.push(type);
    if (reader.flag()) throw new DerError('a critical extension that is unknown, or may not be critical');
    const extensionEnd = reader.enter(0x04);
    if (use(type, reader, into)) reader.leave(extensionEnd);
    else reader.skip(extensionEnd);
    reader.leave(listEnd);
  }
  reader.leave(outerEnd);
  return into;
}
