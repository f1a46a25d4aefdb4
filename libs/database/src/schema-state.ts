import { Client, escapeIdentifier, type QueryConfig } from 'pg';

export interface SchemaState {
  /** Why the database gives no answer; undefined when it does. */
  trouble?: string;
  /** Names of the migrations that are not applied, oldest first; none is known while the database gives no answer. */
  missing: string[];
}

/** For connecting and asking together. */
const PATIENCE_MS = 2_000;

/** No such schema or table, or not for this role yet: nobody has migrated. */
const NOT_MIGRATED = new Set(['42P01', '3F000', '42501']);

/**
 * Asks a service's own database, over a connection of its own and within 2 s, which of the service's migrations are not
 * applied. Others that are applied are no fault: those of a newer release.
 */
export async function schemaState(
  url: string,
  schema: string,
  migrations: readonly { name: string }[],
): Promise<SchemaState> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_MS,
    application_name: `kaika ${schema} readiness`,
  });
  client.on('error', () => {});
  const wanted = [...new Set(migrations)].map(({ name }) => name);
  try {
    const until = performance.now() + PATIENCE_MS;
    await client.connect();
    // pg takes a limit for one query; its types don't say so.
    const query: QueryConfig & { query_timeout: number } = {
      text: `select name from ${escapeIdentifier(schema)}.migration`,
      query_timeout: Math.max(1, until - performance.now()),
    };
    const { rows } = await client.query<{ name: string }>(query);
    const applied = new Set(rows.map(({ name }) => name));
    return { missing: wanted.filter((name) => !applied.has(name)) };
  } catch (error) {
    if (NOT_MIGRATED.has(String((error as { code?: unknown }).code))) return { missing: wanted };
    return { trouble: (error as Error).message || String(error), missing: [] };
  } finally {
    await client.end().catch(() => {});
  }
}
