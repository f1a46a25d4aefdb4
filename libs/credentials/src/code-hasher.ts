import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { codeCheckPool, type BoundedPool } from './bounded-pool.js';
import { type Pepper } from './pepper.js';

/** RFC 7914 parameters: N costs memory and time (128·N·r octets: 16 MiB), about 60 ms of a core. */
interface Cost {
  N: number;
  r: number;
  p: number;
}

const COST: Cost = { N: 2 ** 14, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Above what a stored verifier may ask for; a tampered row must not exhaust the memory. */
const MAX_N = 2 ** 17;

/**
 * Makes and checks verifiers of user codes: `scrypt$N$r$p$salt$hash` (base64url) over HMAC-SHA256(pepper, code).
 * Call it outside any transaction; each call takes a place in the pool.
 */
export class CodeHasher {
  readonly #pepper: Pepper;
  readonly #pool: BoundedPool;
  /** What an unknown card is checked against. Its hash is random: no code has it. */
  readonly #dummy = format(COST, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

  constructor(pepper: Pepper, pool: BoundedPool = codeCheckPool) {
    this.#pepper = pepper;
    this.#pool = pool;
  }

  /** @throws CaError  tooBusy {retryAfterSeconds} */
  async hash(code: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return format(COST, salt, await this.#derive(code, salt, COST));
  }

  /**
   * Whether the code belongs to the verifier. Without one (an unknown card, or no code set yet) the answer is false at
   * the same cost.
   *
   * @throws CaError  tooBusy {retryAfterSeconds}
   * @throws Error    when the stored verifier is not one
   */
  async verify(verifier: string | undefined, code: string): Promise<boolean> {
    const { cost, salt, hash } = parse(verifier ?? this.#dummy);
    const equal = timingSafeEqual(hash, await this.#derive(code, salt, cost));
    return equal && verifier !== undefined;
  }

  /** Whether a verifier was made at another cost than today's; hash again after its code was right. */
  needsRehash(verifier: string): boolean {
    const { cost } = parse(verifier);
    return cost.N !== COST.N || cost.r !== COST.r || cost.p !== COST.p;
  }

  #derive(code: string, salt: Buffer, cost: Cost): Promise<Buffer> {
    return this.#pool.run(
      () =>
        new Promise((resolve, reject) =>
          scrypt(
            this.#pepper.season(code),
            salt,
            HASH_BYTES,
            { ...cost, maxmem: 256 * cost.N * cost.r },
            (error, key) => (error ? reject(error) : resolve(key)),
          ),
        ),
    );
  }
}

function format(cost: Cost, salt: Buffer, hash: Buffer): string {
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

function parse(verifier: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const match = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d)\$([\w-]{22})\$([\w-]{43})$/.exec(verifier);
  const [N, r, p] = match ? match.slice(1, 4).map(Number) : [];
  if (!match || !N || !r || !p || N > MAX_N || r > 16) throw new Error('a stored verifier has an unknown form');
  return { cost: { N, r, p }, salt: Buffer.from(match[4]!, 'base64url'), hash: Buffer.from(match[5]!, 'base64url') };
}
