import { CaError } from '#libs/errors';
import { CRL_REASONS, type CrlColumns, type CrlEntry } from './crl-reasons.js';

/** Longest entry: SEQUENCE { INTEGER of 16 octets, GeneralizedTime, { reasonCode, invalidityDate } }. */
export const MAX_ENTRY_BYTES = 2 + 18 + 17 + 2 + 12 + 26;

/** crlEntryExtensions with one reasonCode (2.5.29.21), the value in the last octet. */
const REASON = Buffer.from('300c300a0603551d1504030a0100', 'hex');
/** invalidityDate (2.5.29.24) up to its GeneralizedTime, which is never a UTCTime (RFC 5280 §5.3.2). */
const INVALIDITY = Buffer.from('30180603551d180411', 'hex');
const NO_DATE = Number.NaN;
const LISTED_REASONS = new Set<number>(Object.values(CRL_REASONS));

const SERIAL_BYTES = 16;
const DAY_SECONDS = 86_400;
/** 2050-01-01T00:00:00Z: from here on GeneralizedTime (RFC 5280 §5.1.2.6). */
const GENERALIZED_FROM = 2_524_608_000;

const malformed = (problem: string) => new CaError('crlMalformed', problem);

/** The value of each ASCII code that is an upper-case hex digit; 255 for the others. */
const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit += 1) HEX['0123456789ABCDEF'.charCodeAt(digit)] = digit;

/**
 * Writes revokedCertificates entries (RFC 5280 §5.1.2.6) into a buffer, one after the other, without allocating for
 * each: a million entries are its normal day.
 */
export class EntryEncoder {
  #day = Number.NaN;
  /** YYYYMMDD of `#day`, ASCII. */
  #date: Uint8Array = Buffer.alloc(8);
  /** The same of every day seen: some thousands at most, in whatever order the entries come. */
  readonly #dates = new Map<number, Uint8Array>();

  /** @param latest thisUpdate in seconds: nothing listed may have happened later */
  constructor(private readonly latest: number) {}

  /** Appends at `at`, where MAX_ENTRY_BYTES must be free. Returns the position behind it. */
  entry(out: Buffer, at: number, { serial, revocationDate, reason, invalidityDate }: CrlEntry): number {
    const ends = this.#behindSerial(out, at);
    if (serial.length !== 2 * SERIAL_BYTES) throw malformed(`serial ${serial} has not 16 octets`);
    for (let i = 0; i < SERIAL_BYTES; i += 1) {
      const high = HEX[serial.charCodeAt(2 * i) & 0xff]!;
      const low = HEX[serial.charCodeAt(2 * i + 1) & 0xff]!;
      if (high > 15 || low > 15) throw malformed(`serial ${serial} is not upper-case hex`);
      out[ends - SERIAL_BYTES + i] = (high << 4) | low;
    }
    const code = reason === undefined ? 0 : CRL_REASONS[reason];
    const end = this.#finish(out, at, Math.floor(revocationDate.getTime() / 1_000), code);
    if (invalidityDate === undefined) return end;
    return this.#invalidity(out, at, end, Math.floor(invalidityDate.getTime() / 1_000));
  }

  /** Appends the entry `i` of `columns`, in the same way. */
  row(out: Buffer, at: number, columns: CrlColumns, i: number): number {
    const ends = this.#behindSerial(out, at);
    const from = i * SERIAL_BYTES;
    for (let j = 0; j < SERIAL_BYTES; j += 1) out[ends - SERIAL_BYTES + j] = columns.serials[from + j]!;
    const end = this.#finish(out, at, columns.revocationSeconds[i]!, columns.reasons[i]!);
    const invalid = columns.invaliditySeconds?.[i] ?? NO_DATE;
    return Number.isNaN(invalid) ? end : this.#invalidity(out, at, end, invalid);
  }

  #behindSerial(out: Buffer, at: number): number {
    out[at] = 0x30;
    out[at + 2] = 0x02;
    out[at + 3] = SERIAL_BYTES;
    return at + 4 + SERIAL_BYTES;
  }

  #finish(out: Buffer, at: number, seconds: number, reason: number): number {
    const first = out[at + 4]!;
    if (first === 0 || first > 0x7f) throw malformed('a serial begins with an octet 01–7F');
    if (!LISTED_REASONS.has(reason)) throw malformed(`reason ${reason} is on no complete list`);
    let end = this.#time(out, at + 4 + SERIAL_BYTES, seconds);
    if (reason !== 0) {
      out.set(REASON, end);
      end += REASON.length;
      out[end - 1] = reason;
    }
    out[at + 1] = end - at - 2; // below 128: one octet
    return end;
  }

  /** Puts the extension behind the reasonCode that stands last in the entry, or in a list of its own. */
  #invalidity(out: Buffer, at: number, end: number, seconds: number): number {
    const listAt = this.#behindDate(out, at);
    let to = end;
    if (listAt === end) {
      out[to++] = 0x30;
      out[to++] = 0;
    }
    out.set(INVALIDITY, to);
    to = this.#time(out, to + INVALIDITY.length, seconds, true);
    out[listAt + 1] = to - listAt - 2;
    out[at + 1] = to - at - 2;
    return to;
  }

  #behindDate(out: Buffer, at: number): number {
    const dateAt = at + 4 + SERIAL_BYTES;
    return dateAt + 2 + out[dateAt + 1]!;
  }

  #time(out: Buffer, at: number, seconds: number, generalized = seconds >= GENERALIZED_FROM): number {
    if (!(seconds <= this.latest)) throw malformed('an entry has a date after thisUpdate');
    const day = Math.floor(seconds / DAY_SECONDS);
    if (day !== this.#day) this.#setDay(day);
    out[at] = generalized ? 0x18 : 0x17;
    out[at + 1] = generalized ? 15 : 13;
    let to = at + 2;
    for (let i = generalized ? 0 : 2; i < 8; i += 1) out[to++] = this.#date[i]!;
    const rest = (seconds - day * DAY_SECONDS) | 0; // below 86,400: small whole numbers from here on
    to = digits(out, to, (rest / 3_600) | 0);
    to = digits(out, to, ((rest % 3_600) / 60) | 0);
    to = digits(out, to, rest % 60);
    out[to] = 0x5a; // Z
    return to + 1;
  }

  #setDay(day: number): void {
    let date = this.#dates.get(day);
    if (date === undefined) this.#dates.set(day, (date = dateDigits(day)));
    this.#date = date;
    this.#day = day;
  }
}

function dateDigits(day: number): Uint8Array {
  const date = new Date(day * DAY_SECONDS * 1_000);
  if (!(date.getUTCFullYear() >= 1950)) throw malformed('a date before 1950');
  return Buffer.from(date.toISOString().slice(0, 10).replaceAll('-', ''), 'latin1');
}

function digits(out: Buffer, at: number, twoDigits: number): number {
  const tens = (twoDigits / 10) | 0;
  out[at] = 0x30 + tens;
  out[at + 1] = 0x30 + twoDigits - 10 * tens;
  return at + 2;
}
