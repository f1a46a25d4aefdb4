import { z } from 'zod';
import { openConfig, ownerSettings, ownerUrlOf } from '#libs/config';
import { migrate, patiently, schemaOf } from '#libs/database';
import type { ServiceDefinition } from './create-service.js';

/**
 * Brings a service's schema up to date by its owner role (`KAIKA_DATABASE_OWNER_URL`) and tells what was applied.
 * Idempotent, and safe to run twice at once. Waits up to a minute for a database that is not there yet.
 *
 * @throws ConfigError; Error when the database does not come, or a migration fails
 */
export async function migrateService(
  { name, migrations }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  if (migrations.length === 0) return say(`${name}: has no database`);
  const ownerUrl = ownerUrlOf(await openConfig(z.object(ownerSettings), env));
  const applied = await patiently(() =>
    migrate({ ownerUrl, schema: schemaOf(name), migrations: [...migrations] }),
  ).catch((cause: unknown) => {
    throw new Error('migrating', { cause });
  });
  for (const migration of applied) say(`${name}: applied ${migration}`);
  say(`${name}: ${applied.length === 0 ? 'nothing to apply, ' : ''}up to date`);
}
