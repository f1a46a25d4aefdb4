import { Client } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';

export type Migration = new () => MigrationInterface;

export interface MigrateOptions {
  ownerUrl: string;
  schema: string;
  /**
   * Classes whose names end in a JavaScript timestamp (TypeORM's rule), which orders them. Two parts of a service may
   * bring the same one.
   */
  migrations: Migration[];
}

/**
 * Brings a schema up to date, each migration in its own transaction. Several processes may call it at once: one runs,
 * the others wait for its advisory lock and find nothing left to do.
 *
 * @returns names of what was applied, oldest first
 */
export async function migrate({ ownerUrl, schema, migrations }: MigrateOptions): Promise<string[]> {
  if (migrations.length === 0) return [];
  const guard = new Client({ connectionString: ownerUrl });
  await guard.connect();
  try {
    await guard.query('set lock_timeout = 0');
    await guard.query('select pg_advisory_lock(hashtextextended($1, 0))', [`kaika.migrate.${schema}`]);
    const source = new DataSource({
      type: 'postgres',
      url: ownerUrl,
      schema,
      migrations: [...new Set(migrations)],
      migrationsTableName: 'migration',
      migrationsTransactionMode: 'each',
      installExtensions: false,
      poolSize: 2,
    });
    await source.initialize();
    try {
      return (await source.runMigrations()).map(({ name }) => name);
    } finally {
      await source.destroy();
    }
  } finally {
    await guard.end();
  }
}
