import { type KeyObject } from 'node:crypto';
import { kbkdf, uint32 } from './kbkdf.js';

/** What one secret of a card belongs to. Key version and generation are stored with the card; the secret never is. */
export interface CardSecretInput {
  /** The master of the given key version: `ensureSecretKey(path)`. */
  readonly master: KeyObject;
  /** Which master; from 1. */
  readonly keyVersion: number;
  /** Starts at 1, of each kind on its own: an unlocking takes the next transport PIN, a use of the PUK the next PUK. */
  readonly generation: number;
  readonly cardUuid: string;
  readonly cardNumber: string;
}

export type ManagementKeyBytes = 16 | 24 | 32;

/** One label a purpose: the same master by mistake would still give unrelated secrets. */
const TRANSPORT_PIN = 'kaika/transport-pin/v1';
const PUK = 'kaika/puk/v1';
const MANAGEMENT_KEY = 'kaika/management-key/v1';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CARD_NUMBER = /^[A-Z]{2}[A-Z0-9]{2}\d{12}$/;
const CANDIDATES = 16;
/** The largest multiple of 10⁸ in 32 bits: what is above it would make low digits likelier. */
const LIMIT = 4_200_000_000;

/** The transport PIN of a card: 8 decimal digits, which every PIV card takes (CARDS.md §2, §4). */
export function deriveTransportPin(input: CardSecretInput): string {
  return digits(kbkdf(input.master, TRANSPORT_PIN, contextOf(input), CANDIDATES * 4));
}

/** The PUK of a card: 8 decimal digits, since some cards take nothing else and none less than 8 octets. */
export function derivePuk(input: CardSecretInput): string {
  return digits(kbkdf(input.master, PUK, contextOf(input), CANDIDATES * 4));
}

/**
 * The card management key (9B) of a card; it is used at the centre only. The length is part of what is derived, so that
 * a card's AES-128 key is no piece of its AES-192 key.
 *
 * @param bytes 16 (AES-128), 24 (AES-192, and 3DES, whose parity bits nobody reads) or 32 (AES-256)
 */
export function deriveManagementKey(input: CardSecretInput, bytes: ManagementKeyBytes): Buffer {
  if (![16, 24, 32].includes(bytes)) throw new RangeError('a management key has 16, 24 or 32 octets');
  return kbkdf(input.master, MANAGEMENT_KEY, contextOf(input), bytes);
}

/** Key version, generation, UUID and card number, each of a fixed length, so that no two inputs share a context. */
function contextOf({ keyVersion, generation, cardUuid, cardNumber }: CardSecretInput): Buffer {
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
