import { type KeyObject } from 'node:crypto';
import { kbkdf, uint32 } from './kbkdf.js';

/** What one transport PIN belongs to. Key version and generation are stored with the card; the PIN never is. */
export interface TransportPinInput {
  /** The master of the given key version: `ensureSecretKey(path)`. */
  readonly master: KeyObject;
  /** Which master; from 1. */
  readonly keyVersion: number;
  /** Starts at 1; each unlocking at the centre takes the next. */
  readonly generation: number;
  readonly cardUuid: string;
  readonly cardNumber: string;
}

const TRANSPORT_PIN = 'kaika/transport-pin/v1';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CARD_NUMBER = /^[A-Z]{2}[A-Z0-9]{2}\d{12}$/;
const CANDIDATES = 16;
/** The largest multiple of 10⁸ in 32 bits: what is above it would make low digits likelier. */
const LIMIT = 4_200_000_000;

/** The transport PIN of a card: 8 decimal digits, which every PIV card takes (CARDS.md §2, §4). */
export function deriveTransportPin(input: TransportPinInput): string {
  return digits(kbkdf(input.master, TRANSPORT_PIN, contextOf(input), CANDIDATES * 4));
}

/** Key version, generation, UUID and card number, each of a fixed length, so that no two inputs share a context. */
function contextOf({ keyVersion, generation, cardUuid, cardNumber }: TransportPinInput): Buffer {
  if (![keyVersion, generation].every((n) => Number.isInteger(n) && n >= 1 && n < 2 ** 32)) {
    throw new RangeError('key version and generation count from 1');
  }
  if (!UUID.test(cardUuid)) throw new RangeError('a card UUID has 16 octets in 5 groups');
  if (!CARD_NUMBER.test(cardNumber)) throw new RangeError('a card number has 16 characters');
  const uuid = Buffer.from(cardUuid.replaceAll('-', ''), 'hex');
  return Buffer.concat([uint32(keyVersion), uint32(generation), uuid, Buffer.from(cardNumber, 'ascii')]);
}

/** The first 32-bit word below the limit, modulo 10⁸. That all 16 are above it happens once in 10²⁶. */
function digits(bytes: Buffer): string {
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const word = bytes.readUInt32BE(offset);
    if (word < LIMIT) return String(word % 100_000_000).padStart(8, '0');
  }
  throw new Error('no unbiased digits in the derived octets');
}
