/**
 * A strict DER reader (X.690), written apart from the encoder: what the encoder gets wrong must not look right here.
 * Errors are plain; callers name what they were reading.
 */
export interface Element {
  readonly tag: number;
  /** Where the header begins, and where the content does and ends. */
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Tag and length at `at`; the content may lie beyond the bytes at hand. */
export function readHeader(bytes: Uint8Array, at: number): Element {
  const tag = octet(bytes, at);
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of more than one octet');
  const first = octet(bytes, at + 1);
  if (first < 0x80) return { tag, start: at, contentStart: at + 2, end: at + 2 + first };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 6) throw new DerError('an indefinite or enormous length');
  let length = 0;
  for (let i = 0; i < octets; i += 1) length = length * 256 + octet(bytes, at + 2 + i);
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('a length longer than it need be');
  const contentStart = at + 2 + octets;
  return { tag, start: at, contentStart, end: contentStart + length };
}

function octet(bytes: Uint8Array, at: number): number {
  const value = bytes[at];
  if (value === undefined) throw new DerError('ends too early');
  return value;
}

/**
 * Reads values in order. Constructed ones are read by a reader of their own (`into`), or by this one between `enter`
 * and `leave`: for lists of a million members, each of which would else make an object a value.
 */
export class DerReader {
  /** Content of the value read last. */
  private from = 0;
  private to = 0;

  constructor(
    readonly bytes: Buffer,
    private at = 0,
    private end = bytes.length,
  ) {}

  get atEnd(): boolean {
    return this.at === this.end;
  }

  get position(): number {
    return this.at;
  }

  /** The next tag, or undefined at the end. */
  peek(): number | undefined {
    return this.at < this.end ? this.bytes[this.at] : undefined;
  }

  /** Steps over one value. */
  next(tag: number): Element {
    const start = this.at;
    this.step(tag);
    return { tag, start, contentStart: this.from, end: this.to };
  }

  private step(tag: number): void {
    const found = octet(this.bytes, this.at);
    if (found !== tag) throw new DerError(`tag ${found.toString(16)} where ${tag.toString(16)} belongs`);
    const short = octet(this.bytes, this.at + 1);
    if (short < 0x80) {
      this.from = this.at + 2;
      this.to = this.from + short;
    } else {
      const element = readHeader(this.bytes, this.at);
      this.from = element.contentStart;
      this.to = element.end;
    }
    if (this.to > this.end) throw new DerError('a value longer than what holds it');
    this.at = this.to;
  }

  /** A constructed value, as a reader of its members. */
  into(tag: number): DerReader {
    this.step(tag);
    return new DerReader(this.bytes, this.from, this.to);
  }

  /** Goes into a constructed value. Returns what `leave` wants. */
  enter(tag: number): number {
    const outerEnd = this.end;
    this.step(tag);
    this.at = this.from;
    this.end = this.to;
    return outerEnd;
  }

  /** Out of it again; nothing of it may be unread. */
  leave(outerEnd: number): void {
    this.finish();
    this.end = outerEnd;
  }

  /** Out of it again, whatever it holds. */
  skip(outerEnd: number): void {
    this.at = this.end;
    this.end = outerEnd;
  }

  content(tag: number): Buffer {
    this.step(tag);
    return this.bytes.subarray(this.from, this.to);
  }

  /** Header and content. */
  whole(tag: number): Buffer {
    const start = this.at;
    this.step(tag);
    return this.bytes.subarray(start, this.to);
  }

  /** The content octets of a primitive value as text: `hex`, or `latin1` which is one character an octet. */
  text(tag: number, encoding: 'hex' | 'latin1'): string {
    this.step(tag);
    return this.bytes.toString(encoding, this.from, this.to);
  }

  /** A whole number of one octet: ENUMERATED and the like. */
  small(tag: number): number {
    this.step(tag);
    const value = octet(this.bytes, this.from);
    if (this.to - this.from !== 1 || value >= 0x80) throw new DerError('not a small number');
    return value;
  }

  /** An INTEGER that is not negative. */
  integer(): bigint {
    const bytes = this.content(0x02);
    if (bytes.length === 0) throw new DerError('an empty INTEGER');
    if (bytes[0]! >= 0x80) throw new DerError('a negative INTEGER');
    if (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) throw new DerError('an INTEGER longer than it need be');
    return BigInt(`0x${bytes.toString('hex')}`);
  }

  /** A DEFAULT FALSE member: absent, or TRUE. */
  flag(): boolean {
    if (this.peek() !== 0x01) return false;
    this.step(0x01);
    if (this.to - this.from !== 1 || this.bytes[this.from] !== 0xff)
      throw new DerError('a BOOLEAN that is not DER’s TRUE');
    return true;
  }

  /** OBJECT IDENTIFIER: its content octets in hex, which need no arithmetic to compare. */
  identifier(): string {
    return this.text(0x06, 'hex');
  }

  /** The same as one number where it has six octets at most: no text is made. */
  shortIdentifier(): number | string {
    this.step(0x06);
    const length = this.to - this.from;
    if (length === 0) throw new DerError('an empty OBJECT IDENTIFIER');
    return length <= 6 ? this.bytes.readUIntBE(this.from, length) : this.bytes.toString('hex', this.from, this.to);
  }

  /** UTCTime until 2049, GeneralizedTime from 2050 on, both to the second and with Z (RFC 5280 §4.1.2.5). */
  time(): Date {
    const tag = this.peek() === 0x18 ? 0x18 : 0x17;
    this.step(tag);
    return new Date(readTime(this.bytes, tag, this.from, this.to));
  }

  finish(): void {
    if (!this.atEnd) throw new DerError('octets behind the last member');
  }
}

const DIGITS_BEHIND_YEAR = 10;

/** Milliseconds since 1970 of the UTCTime (17) or GeneralizedTime (18) with its content from `start` to `end`. */
export function readTime(bytes: Buffer, tag: number, start: number, end: number): number {
  const yearDigits = tag === 0x18 ? 4 : 2;
  if (end - start !== yearDigits + DIGITS_BEHIND_YEAR + 1 || bytes[end - 1] !== 0x5a) {
    throw new DerError('not a time to the second in Z');
  }
  const pair = (at: number) => digit(bytes, at) * 10 + digit(bytes, at + 1);
  const rest = start + yearDigits;
  let year = pair(start);
  if (yearDigits === 4) year = year * 100 + pair(start + 2);
  else year += year < 50 ? 2000 : 1900;
  if (yearDigits === 4 && year < 2050) throw new DerError('a GeneralizedTime before 2050');
  const [month, day, hour, minute, second] = [
    pair(rest),
    pair(rest + 2),
    pair(rest + 4),
    pair(rest + 6),
    pair(rest + 8),
  ];
  if (month < 1 || month > 12 || day < 1 || day > daysOf(month, year) || hour > 23 || minute > 59 || second > 59) {
    throw new DerError('a day or time there is not');
  }
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function daysOf(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function digit(bytes: Buffer, at: number): number {
  const value = bytes[at]! - 0x30;
  if (!(value >= 0 && value <= 9)) throw new DerError('not a time to the second in Z');
  return value;
}

/** Every value down to the leaves is of definite, minimal length and fills what holds it. */
export function assertDer(bytes: Buffer): void {
  const walk = (start: number, end: number) => {
    for (let at = start; at < end;) {
      const element = readHeader(bytes, at);
      if (element.end > end) throw new DerError('a value longer than what holds it');
      if (element.tag & 0x20) walk(element.contentStart, element.end);
      at = element.end;
    }
  };
  const outer = readHeader(bytes, 0);
  if (outer.end !== bytes.length) throw new DerError('octets behind the end');
  walk(0, bytes.length);
}
