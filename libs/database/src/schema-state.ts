import { Client, escapeIdentifier } from 'pg';

export interface SchemaState {
  /** Why the database gives no answer; undefined when it does. */
  trouble?: string;
  /** Names of the migrations that are not applied, oldest first; none is known while the database gives no answer. */
  missing: string[];
}

const PATIENCE_MS = 2_000;

/** No such schema or table, or not for this role yet: nobody has migrated. */
const NOT_MIGRATED = new Set(['42P01', '3F000', '42501']);

/**
 * Asks a service's own database, over a connection of its own and within 2 s each for connecting and asking, which of
 * the service's migrations are not applied. Others that are applied are no fault: those of a newer release.
 */
export async function schemaState(
  url: string,
  schema: string,
  migrations: readonly { name: string }[],
): Promise<SchemaState> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    application_name: `kaika ${schema} readiness`,
  });
  client.on('error', () => {});
  const wanted = [...new Set(migrations)].map(({ name }) => name);
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string }>(`select name from ${escapeIdentifier(schema)}.migration`);
    const applied = new Set(rows.map(({ name }) => name));
    return { missing: wanted.filter((name) => !applied.has(name)) };
  } catch (error) {
    if (NOT_MIGRATED.has(String((error as { code?: unknown }).code))) return { missing: wanted };
    return { trouble: (error as Error).message || String(error), missing: [] };
  } finally {
    await client.end().catch(() => {});
  }
}
