import type { DataSource, QueryRunner } from 'typeorm';

const KEY = `hashtextextended($1, 0)`;

/**
 * Does `work` if no other process works for this issuer now. The lock is the connection's own: it ends with the process,
 * however that ends. It only saves work; that two of them never both publish is the fence's doing (DueRuns).
 *
 * @returns undefined when another process is at it
 */
export async function withIssuerLock<T>(
  source: DataSource,
  issuerSki: string,
  work: (connection: QueryRunner) => Promise<T>,
): Promise<T | undefined> {
  const name = [`kaika.crl.${issuerSki}`];
  const connection = source.createQueryRunner();
  try {
    const [row] = (await connection.query(`select pg_try_advisory_lock(${KEY}) as ours`, name)) as { ours: boolean }[];
    if (!row?.ours) return undefined;
    try {
      return await work(connection);
    } finally {
      // on a broken connection there is nothing left to unlock
      await connection.query(`select pg_advisory_unlock(${KEY})`, name).catch(() => undefined);
    }
  } finally {
    await connection.release();
  }
}
