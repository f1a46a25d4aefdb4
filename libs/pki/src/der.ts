/**
 * A small DER encoder (X.690) for what this product signs: certificates and revocation lists. Values are trusted to be
 * what their type says except where a wrong one would still encode (times, printable and IA5 text, identifiers).
 */

const SEQUENCE = 0x30;
const SET = 0x31;

/** Octets of a DER header: tag and minimal definite length. */
export function header(tag: number, length: number): Buffer {
  const out = Buffer.allocUnsafe(headerBytes(length));
  writeHeader(out, tag, length);
  return out;
}

function headerBytes(length: number): number {
  if (length < 0x80) return 2;
  let bytes = 3;
  for (let rest = length; rest >= 0x100; rest = Math.floor(rest / 0x100)) bytes += 1;
  return bytes;
}

/** Returns where the content begins. */
function writeHeader(out: Buffer, tag: number, length: number): number {
  const end = headerBytes(length);
  out[0] = tag;
  out[1] = length < 0x80 ? length : 0x80 | (end - 2);
  for (let at = end - 1, rest = length; at >= 2; at -= 1, rest = Math.floor(rest / 0x100)) out[at] = rest & 0xff;
  return end;
}

/** One value: tag, length, and the parts of its content one after the other. */
export function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = Buffer.allocUnsafe(headerBytes(length) + length);
  let at = writeHeader(out, tag, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const sequence = (...parts: Uint8Array[]): Buffer => tlv(SEQUENCE, ...parts);
export const octetString = (bytes: Uint8Array): Buffer => tlv(0x04, bytes);
export const nothing = (): Buffer => Buffer.of(0x05, 0x00);
export const boolean = (value: boolean): Buffer => Buffer.of(0x01, 0x01, value ? 0xff : 0x00);
export const enumerated = (value: number): Buffer => Buffer.of(0x0a, 0x01, value);

/** SET OF: DER sorts the encodings of the members (X.690 §11.6). */
export const setOf = (...members: Buffer[]): Buffer => tlv(SET, ...members.sort(Buffer.compare));

/** Context tag around whole values. */
export const explicit = (n: number, ...parts: Uint8Array[]): Buffer => tlv(0xa0 | n, ...parts);

/** Context tag in place of a primitive type's own. */
export const implicit = (n: number, content: Uint8Array): Buffer => tlv(0x80 | n, content);

/** A whole number ≥ 0. */
export function integer(value: bigint | number): Buffer {
  if (value < 0) throw new RangeError('a negative INTEGER is never signed here');
  const hex = value.toString(16);
  return integerOctets(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'));
}

/** An unsigned big-endian number as INTEGER; a zero octet in front keeps it positive (X.690 §8.3). */
export function integerOctets(bytes: Buffer): Buffer {
  return bytes[0]! >= 0x80 ? tlv(0x02, Buffer.of(0), bytes) : tlv(0x02, bytes);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return tlv(0x03, Buffer.of(unusedBits), bytes);
}

/** A BIT STRING with named bits: trailing zero bits are left out (X.690 §11.2.2). */
export function namedBits(bits: number[]): Buffer {
  const highest = Math.max(...bits);
  const bytes = Buffer.alloc((highest >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return bitString(bytes, 7 - (highest & 7));
}

const identifiers = new Map<string, Buffer>();

/** OBJECT IDENTIFIER from dotted text. */
export function oid(dotted: string): Buffer {
  let known = identifiers.get(dotted);
  if (!known) identifiers.set(dotted, (known = encodeOid(dotted)));
  return known;
}

function encodeOid(dotted: string): Buffer {
  if (!/^[012](\.(0|[1-9]\d*))+$/.test(dotted)) throw new TypeError(`not an object identifier: ${dotted}`);
  const [first, second, ...rest] = dotted.split('.').map(BigInt) as [bigint, bigint, ...bigint[]];
  if (first < 2n && second > 39n) throw new TypeError(`not an object identifier: ${dotted}`);
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) {
    const groups = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
    octets.push(...groups);
  }
  return tlv(0x06, Buffer.from(octets));
}

export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text, 'utf8'));

export function printable(text: string): Buffer {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(text)) throw new TypeError('not a PrintableString');
  return tlv(0x13, Buffer.from(text, 'latin1'));
}

/** The octets of an IA5String, for implicit tags (rfc822Name, URI): printable ASCII without blanks. */
export function ia5Octets(text: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new TypeError('not plain ASCII');
  return Buffer.from(text, 'latin1');
}

/**
 * UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5).
 *
 * @throws RangeError for a fraction of a second, and for years a UTCTime would show in another century
 */
export function time(at: Date): Buffer {
  const ms = at.getTime();
  if (!(ms % 1_000 === 0)) throw new RangeError('a signed time has whole seconds');
  const year = at.getUTCFullYear();
  if (year < 1950 || year > 9999) throw new RangeError(`the year ${year} cannot be signed`);
  const digits = `${at.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return year < 2050 ? tlv(0x17, Buffer.from(digits.slice(2), 'latin1')) : tlv(0x18, Buffer.from(digits, 'latin1'));
}
