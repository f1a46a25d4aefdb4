import { migrate, provision, schemaOf, type ServiceUrls } from '#libs/database';
import { SERVICES } from '../../services/all-in-one/src/services.js';
import { databasePasswords } from './passwords.js';

/** Services that keep something. */
export const WITH_DATABASE = SERVICES.filter(({ migrations }) => migrations.length > 0);

/**
 * Roles, schema and tables of every service, each with its own two passwords of `secretsDir`. Idempotent; several may
 * do it at once.
 *
 * @param adminUrl a superuser of the database, or its owner with CREATEROLE
 */
export async function setUpDatabase(
  adminUrl: string,
  secretsDir: string,
  told: (line: string) => void,
): Promise<Map<string, ServiceUrls>> {
  const databases = new Map<string, ServiceUrls>();
  for (const { name, migrations } of WITH_DATABASE) {
    const urls = await provision(adminUrl, name, databasePasswords(secretsDir, name));
    await migrate({ ownerUrl: urls.ownerUrl, schema: schemaOf(name), migrations: [...migrations] });
    told(`${name}: schema ${schemaOf(name)} is up to date`);
    databases.set(name, urls);
  }
  return databases;
}
