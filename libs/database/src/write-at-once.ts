import type { EntityManager } from 'typeorm';
import { prepared } from './prepared.js';

/** A statement that writes, and its values by `$1` and so on. */
export interface Write {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/**
 * Carries out writes as one statement, so in one round trip: for those under a lock that all wait for. None may depend on
 * another of them, for all see the tables as they were before.
 */
export async function writeAtOnce(tx: EntityManager, writes: readonly Write[]): Promise<void> {
  const values: unknown[] = [];
  const parts = writes.map((write, nth) => {
    const before = values.length;
    values.push(...write.values);
    return `w${nth} as (${write.sql.replace(/\$(\d+)/g, (_, n: string) => `$${before + Number(n)}`)})`;
  });
  if (parts.length > 0) await tx.query(prepared(`with ${parts.join(', ')} select`), values);
}
