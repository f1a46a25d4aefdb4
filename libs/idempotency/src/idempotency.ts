import { type DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { type Clock } from '#libs/clock';
import { prepared } from '#libs/database';
import { CaError } from '#libs/errors';

const KEEP_DAYS = 45;
const DAY_MS = 86_400_000;

const CLAIM = prepared(
  `insert into idempotency (endpoint, key, request_hash, created_at) values ($1, $2, $3, $4)
   on conflict (endpoint, key) do nothing
   returning true`,
);
const ANSWER = prepared('update idempotency set answer = $3 where endpoint = $1 and key = $2');

/** The Idempotency-Key header. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'an Idempotency-Key is 1 to 128 printable ASCII characters without blanks')
  .meta({ description: 'The client’s own name for this command', examples: ['0b7b8b0e-6f0c-4a4f-9a55-2f1f9f3c8d11'] });

export interface IdempotentRequest {
  readonly key: string;
  /** Method and route pattern (`POST /cards/{n}/suspension`), with the caller's subject where there is one. */
  readonly endpoint: string;
  /** `Pepper.secretHash` over path parameters and body. */
  readonly requestHash: string;
}

/** What can be stored and said again. */
export type Answer = null | boolean | number | string | readonly Answer[] | { readonly [member: string]: unknown };

/** Gives a command one effect and one answer per Idempotency-Key (table `idempotency`). */
export class Idempotency {
  constructor(private readonly clock: Clock) {}

  /**
   * Runs the command in the caller's transaction, or says again what it answered. The first answer is read back through
   * JSON like every later one, so all are equal.
   *
   * @param tx       READ COMMITTED; the command's own, committed by the caller
   * @param command  what it throws rolls the key back with everything else
   * @throws CaError  idempotencyKeyReused: the key came with another request
   */
  async run<T extends Answer>(tx: EntityManager, request: IdempotentRequest, command: () => Promise<T>): Promise<T> {
    if (!idempotencyKey.safeParse(request.key).success) {
      throw new CaError('invalidRequest', 'an Idempotency-Key is 1 to 128 printable ASCII characters without blanks');
    }
    if (!(await this.#claim(tx, request))) return stored<T>(tx, request);
    const answer = JSON.stringify(await command());
    await tx.query(ANSWER, [request.endpoint, request.key, answer]);
    return JSON.parse(answer) as T;
  }

  /** Drops rows older than 45 days; answers how many. */
  async prune(source: DataSource | EntityManager): Promise<number> {
    const before = new Date(this.clock.nowMs() - KEEP_DAYS * DAY_MS);
    const [, count] = (await source.query('delete from idempotency where created_at < $1', [before])) as [
      unknown,
      number,
    ];
    return count;
  }

  /** Whether the key is ours. Waits for a transaction that has claimed it and is not over. */
  async #claim(tx: EntityManager, { endpoint, key, requestHash }: IdempotentRequest): Promise<boolean> {
    const rows = (await tx.query(CLAIM, [endpoint, key, requestHash, this.clock.now()])) as unknown[];
    return rows.length === 1;
  }
}

async function stored<T>(tx: EntityManager, { endpoint, key, requestHash }: IdempotentRequest): Promise<T> {
  const [row] = (await tx.query('select request_hash, answer from idempotency where endpoint = $1 and key = $2', [
    endpoint,
    key,
  ])) as { request_hash: string; answer: T }[];
  if (row?.request_hash !== requestHash) {
    throw new CaError('idempotencyKeyReused', 'use a new key for another request');
  }
  return row.answer;
}
