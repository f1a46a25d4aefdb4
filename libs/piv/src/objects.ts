import { X509Certificate } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { CaError } from '#libs/errors';
import { findTlv, requireTlv, tlv } from './tlv.js';

/** Data objects (SP 800-73-5 part 1, table 3). */
export const OBJECT = {
  CCC: 0x5fc107,
  CHUID: 0x5fc102,
  DISCOVERY: 0x7e,
} as const;

/** Our slots, and the object that holds each one's certificate. 9A stays empty (docs: the card's layout). */
export const SLOTS = {
  '9C': { reference: 0x9c, certificate: 0x5fc10a },
  '9D': { reference: 0x9d, certificate: 0x5fc10b },
  '9E': { reference: 0x9e, certificate: 0x5fc101 },
} as const;
export type Slot = keyof typeof SLOTS;

const EXPANDED_CERTIFICATE_MAX_BYTES = 16_384;
const COMPRESSED = 1;

/**
 * `70 certificate, 71 (00 plain, 01 compressed), FE (no error detection code)`: SP 800-73-5 part 1, appendix A.
 *
 * @param stored DER, or that compressed with gzip
 */
export function certificateObject(stored: Uint8Array, compressed = false): Buffer {
  return Buffer.concat([tlv(0x70, stored), tlv(0x71, Buffer.of(compressed ? COMPRESSED : 0)), tlv(0xfe)]);
}

/**
 * The certificate in such an object: X.509, DER, and nothing after it.
 *
 * @throws CaError cardCommunication
 */
export function certificateIn(object: Uint8Array): Buffer {
  const der = certificateOctets(object);
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(der);
  } catch (cause) {
    throw new CaError('cardCommunication', 'a certificate on the card is none', {}, { cause });
  }
  // Node also reads PEM, and stops at the end of a certificate: neither is what others would hash and compare.
  if (!parsed.raw.equals(der)) throw new CaError('cardCommunication', 'a certificate on the card is more than one');
  return der;
}

function certificateOctets(object: Uint8Array): Buffer {
  const stored = requireTlv(object, 0x70);
  if (((findTlv(object, 0x71)?.[0] ?? 0) & 0x03) !== COMPRESSED) return stored;
  try {
    // Bounded: a few hundred octets of a hostile card could expand to gigabytes.
    return gunzipSync(stored, { maxOutputLength: EXPANDED_CERTIFICATE_MAX_BYTES });
  } catch (cause) {
    throw new CaError('cardCommunication', 'a compressed certificate on the card cannot be expanded', {}, { cause });
  }
}

/**
 * The card holder unique identifier. Its FASC-N begins with agency code 9999, which makes OpenSC show the GUID as the
 * token's serial; its credential number comes from the UUID. The CMS signature (3E) is left empty: the CHUID is free to
 * copy, and nothing here trusts it: only the 9E signature proves a card.
 *
 * @param cardUuid its GUID, RFC 9562
 * @param expires  the last day, read as UTC
 */
export function buildChuid(cardUuid: string, expires: Date): Buffer {
  const day = expires.toISOString().slice(0, 10).replaceAll('-', '');
  return Buffer.concat([
    tlv(0x30, fascN(cardUuid)),
    tlv(0x34, uuidBytes(cardUuid)),
    tlv(0x35, Buffer.from(day, 'latin1')),
    tlv(0x3e),
    tlv(0xfe),
  ]);
}

/** The GUID of a CHUID as text. */
export function cardUuidOf(chuid: Uint8Array): string {
  const guid = requireTlv(chuid, 0x34);
  if (guid.length !== 16) throw new CaError('cardCommunication', 'the GUID of the CHUID is not 16 octets');
  return guid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new TypeError('a UUID has 16 octets');
  return bytes;
}

/** The least card capability container: every mandatory element, only the data model (F5 = 10) with a value. */
export function buildCcc(): Buffer {
  const tags = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe];
  return Buffer.concat(tags.map((tag) => (tag === 0xf5 ? tlv(tag, Buffer.of(0x10)) : tlv(tag))));
}

const SENTINEL_START = 0b1101_0;
const FIELD_SEPARATOR = 0b1011_0;
const SENTINEL_END = 0b1111_1;

/**
 * 40 characters of five bits (four of data, least significant first, and odd parity): start, agency 9999, system 0000,
 * credential number taken from the UUID, series, issue, person, end, check character ("Technical Implementation
 * Guidance: Smart Card Enabled Physical Access Control Systems", §6).
 */
function fascN(cardUuid: string): Buffer {
  const credential = (uuidBytes(cardUuid).readUInt32BE(0) % 1_000_000).toString().padStart(6, '0');
  const body = ['9999', '0000', credential, '0', '1'].map((field) => [...field].map(bcd));
  const codes = [SENTINEL_START, ...body.flatMap((field) => [...field, FIELD_SEPARATOR])];
  codes.push(...[...`${'0'.repeat(10)}1${'9999'}1`].map(bcd), SENTINEL_END);
  codes.push(withParity(codes.reduce((sum, code) => sum ^ (code >> 1), 0)));
  const bits = codes.map((code) => code.toString(2).padStart(5, '0')).join('');
  return Buffer.from(BigInt(`0b${bits}`).toString(16).padStart(50, '0'), 'hex');
}

const bcd = (digit: string) => {
  const value = Number(digit);
  return withParity(((value & 1) << 3) | ((value & 2) << 1) | ((value & 4) >> 1) | ((value & 8) >> 3));
};

const withParity = (data: number) => (data << 1) | (data.toString(2).replaceAll('0', '').length % 2 ? 0 : 1);
