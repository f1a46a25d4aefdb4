import { hash } from 'node:crypto';
import type { CrlReason } from '#libs/pki';

const WORDS = 8;
/** So many sums of 32-bit words stay exact in a double: 2^20 · 2^32 < 2^53. */
const CARRY_EVERY = 1 << 20;

/**
 * The order-independent digest of a list that the owner states with a cut (`changeDigest` of libs/events): the sum
 * modulo 2^256 of SHA-256(`serial:reason`). Adds in 32-bit words, since a million additions of big integers would take
 * longer than reading the list.
 */
export class ListDigest {
  /** The least significant word first. */
  readonly #words = new Float64Array(WORDS);
  #sinceCarry = 0;

  add(serial: string, reason: CrlReason): void {
    const digest = hash('sha256', `${serial}:${reason}`, 'buffer');
    for (let word = 0; word < WORDS; word += 1) this.#words[word]! += digest.readUInt32BE(4 * (WORDS - 1 - word));
    this.#sinceCarry += 1;
    if (this.#sinceCarry === CARRY_EVERY) this.#carry();
  }

  /** Lower-case hex. */
  value(): string {
    this.#carry();
    return [...this.#words].reverse().map((word) => word.toString(16).padStart(8, '0')).join(''); // prettier-ignore
  }

  #carry(): void {
    let carried = 0;
    for (let word = 0; word < WORDS; word += 1) {
      const sum = this.#words[word]! + carried;
      carried = Math.floor(sum / 2 ** 32);
      this.#words[word] = sum % 2 ** 32;
    }
    this.#sinceCarry = 0;
  }
}

/** The digest of a list without some of its entries, by that of those entries. */
export function subtract(digest: string, part: string): string {
  const rest = BigInt.asUintN(32 * WORDS, BigInt(`0x${digest}`) - BigInt(`0x${part}`));
  return rest.toString(16).padStart(8 * WORDS, '0');
}
