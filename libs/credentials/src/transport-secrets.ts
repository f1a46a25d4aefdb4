import { type KeyObject } from 'node:crypto';
import { kbkdf, uint32 } from './kbkdf.js';

/** What one transport PIN belongs to. Key version and generation are stored with the card; the PIN never is. */
export interface TransportPinInput {
  /** The master of the given key version: `ensureSecretKey(path)`. */
  readonly master: KeyObject;
  readonly keyVersion: number;
  /** Starts at 1; each unlocking at the centre takes the next. */
  readonly generation: number;
  readonly cardUuid: string;
  readonly cardNumber: string;
}

const TRANSPORT_PIN = 'kaika/transport-pin/v1';
const CANDIDATES = 16;
/** The largest multiple of 10⁸ in 32 bits: what is above it would make low digits likelier. */
const LIMIT = 4_200_000_000;

/** The transport PIN of a card: 8 decimal digits, which every PIV card takes (CARDS.md §2, §4). */
export function deriveTransportPin(input: TransportPinInput): string {
  return digits(kbkdf(input.master, TRANSPORT_PIN, contextOf(input), CANDIDATES * 4));
}

/** Key version, generation, UUID and card number, each of a fixed length, so that no two inputs share a context. */
function contextOf({ keyVersion, generation, cardUuid, cardNumber }: TransportPinInput): Buffer {
  const uuid = Buffer.from(cardUuid.replaceAll('-', ''), 'hex');
  const number = Buffer.from(cardNumber, 'ascii');
  if (uuid.length !== 16 || !/^[0-9a-f-]{36}$/i.test(cardUuid)) throw new RangeError('a card UUID has 16 octets');
  if (!/^[A-Z0-9]{16}$/.test(cardNumber)) throw new RangeError('a card number has 16 characters');
  return Buffer.concat([uint32(keyVersion), uint32(generation), uuid, number]);
}

/** The first 32-bit word below the limit, modulo 10⁸. That all 16 are above it happens once in 10²⁶. */
function digits(bytes: Buffer): string {
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const word = bytes.readUInt32BE(offset);
    if (word < LIMIT) return String(word % 100_000_000).padStart(8, '0');
  }
  throw new Error('no unbiased digits in the derived octets');
}
