import type { ReadCrlEntry } from './crl-reader.js';
import type { CrlReason } from './crl-reasons.js';
import { DerError, type DerReader } from './der-reader.js';

/** Extension types (2.5.29.…) as content octets in hex. */
const CRL_NUMBER = '551d14';
const REASON_CODE = '551d15';
const INVALIDITY_DATE = '551d18';
const AUTHORITY_KEY = '551d23';

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

/** One member of revokedCertificates (RFC 5280 §5.1.2.6, §5.3). */
export function readEntry(list: DerReader): ReadCrlEntry {
  const reader = list.into(0x30);
  const serial = readSerial(reader.text(0x02, 'hex'));
  const revocationDate = reader.time();
  if (reader.atEnd) return { serial, revocationDate };
  const known: { reason?: CrlReason; invalidityDate?: Date } = {};
  forEachExtension(reader.into(0x30), (type, value) => {
    if (type === REASON_CODE) known.reason = readReason(value);
    else if (type === INVALIDITY_DATE) known.invalidityDate = readInvalidityDate(value);
    else return false;
    return true;
  });
  reader.finish();
  return { serial, revocationDate, ...known };
}

function readSerial(hex: string): string {
  if (hex.length === 0 || hex.length > 2 * MAX_INTEGER_OCTETS) throw new DerError('a serial not of 1 to 20 octets');
  if (hex >= '8' || (hex.startsWith('00') && !(hex.slice(2) >= '8')))
    throw new DerError('a serial not positive in DER');
  return hex.toUpperCase();
}

function readReason(value: DerReader): CrlReason {
  const code = value.text(0x0a, 'latin1');
  const reason = code.length === 1 ? REASONS[code.charCodeAt(0)] : undefined;
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

/** crlExtensions: AuthorityKeyIdentifier with a key alone, CRLNumber (RFC 5280 §5.2.1, §5.2.3). */
export function readListExtensions(list: DerReader): { authorityKeyId: Buffer; number: bigint } {
  let authorityKeyId: Buffer | undefined;
  let number: bigint | undefined;
  forEachExtension(list, (type, value) => {
    if (type === AUTHORITY_KEY) authorityKeyId = readAuthorityKeyId(value);
    else if (type === CRL_NUMBER) number = readNumber(value);
    else return false;
    return true;
  });
  if (authorityKeyId === undefined || number === undefined) throw new DerError('no AKI, or no CRLNumber');
  return { authorityKeyId, number };
}

function readAuthorityKeyId(value: DerReader): Buffer {
  const members = value.into(0x30);
  const id = members.content(0x80);
  members.finish();
  return id;
}

function readNumber(value: DerReader): bigint {
  const number = value.integer();
  if (number >= 1n << 159n) throw new DerError('a CRLNumber of more than 20 octets');
  return number;
}

/** `use` says whether it knows the extension; those here are never critical, and an unknown one must not be. */
function forEachExtension(list: DerReader, use: (type: string, value: DerReader) => boolean): void {
  const seen: string[] = [];
  if (list.atEnd) throw new DerError('an empty list of extensions');
  while (!list.atEnd) {
    const reader = list.into(0x30);
    const type = reader.identifier();
    const critical = reader.flag();
    const value = reader.into(0x04);
    reader.finish();
    if (seen.includes(type)) throw new DerError(`extension ${type} twice`);
    seen.push(type);
    if (use(type, value)) value.finish();
    if (critical) throw new DerError(`extension ${type} is critical`);
  }
}
