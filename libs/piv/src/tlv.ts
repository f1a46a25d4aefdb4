import { CaError } from '#libs/errors';

/** One BER-TLV element (ISO/IEC 7816-4 §5.2.2): its tag as a number (0x5FC102) and its value. */
export interface Tlv {
  tag: number;
  value: Buffer;
}

/** Encodes one element; several values are joined. Tags of one to three octets, definite lengths up to 65,535. */
export function tlv(tag: number, ...values: Uint8Array[]): Buffer {
  const value = Buffer.concat(values);
  return Buffer.concat([tagOctets(tag), lengthOctets(value.length), value]);
}

/**
 * Splits a run of elements.
 *
 * @throws CaError cardCommunication when an element is cut short or of indefinite length
 */
export function parseTlvs(bytes: Uint8Array): Tlv[] {
  const buffer = Buffer.from(bytes);
  const found: Tlv[] = [];
  let at = 0;
  while (at < buffer.length) {
    const tag = readTag(buffer, at);
    const length = readLength(buffer, tag.next);
    const end = length.next + length.value;
    if (end > buffer.length) throw malformed('is cut short');
    found.push({ tag: tag.value, value: buffer.subarray(length.next, end) });
    at = end;
  }
  return found;
}

/** The value of the first element with this tag, not looking inside others. */
export function findTlv(bytes: Uint8Array, tag: number): Buffer | undefined {
  return parseTlvs(bytes).find((element) => element.tag === tag)?.value;
}

/** @throws CaError cardCommunication when there is none */
export function requireTlv(bytes: Uint8Array, tag: number): Buffer {
  const value = findTlv(bytes, tag);
  if (!value) throw malformed(`lacks the element ${tag.toString(16).toUpperCase()}`);
  return value;
}

/** The octets of a tag, as GET DATA wants them in its 5C list. */
export function tagOctets(tag: number): Buffer {
  const hex = tag.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  if (length < 0x1_0000) return Buffer.from([0x82, length >> 8, length & 0xff]);
  throw new RangeError('a TLV value of more than 65,535 octets');
}

function readTag(buffer: Buffer, start: number): { value: number; next: number } {
  let next = start + 1;
  let value = octet(buffer, start);
  if ((value & 0x1f) !== 0x1f) return { value, next };
  for (let more = true; more; next++) {
    if (next - start > 2) throw malformed('has a tag of more than three octets');
    const part = octet(buffer, next);
    value = value * 256 + part;
    more = (part & 0x80) !== 0;
  }
  return { value, next };
}

function readLength(buffer: Buffer, start: number): { value: number; next: number } {
  const first = octet(buffer, start);
  if (first < 0x80) return { value: first, next: start + 1 };
  const count = first & 0x7f;
  if (count < 1 || count > 3) throw malformed('has a length this reader does not take');
  if (start + 1 + count > buffer.length) throw malformed('is cut short');
  return { value: buffer.readUIntBE(start + 1, count), next: start + 1 + count };
}

function octet(buffer: Buffer, at: number): number {
  const value = buffer[at];
  if (value === undefined) throw malformed('is cut short');
  return value;
}

const malformed = (what: string) => new CaError('cardCommunication', `an element of the card’s answer ${what}`);
