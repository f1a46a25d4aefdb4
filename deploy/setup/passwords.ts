import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnce } from '#libs/credentials';
import type { Passwords } from '#libs/database';
import { plainLogins } from '../kafka/jaas.js';
import { KAFKA_USERS } from '../kafka/users.js';

/** A password in a file of its own (0600), made when missing. */
export function ensurePassword(dir: string, name: string): string {
  const file = join(dir, name);
  createOnce(file, () => `${randomBytes(24).toString('hex')}\n`);
  return readFileSync(file, 'utf8').trim();
}

/** Of a service's two roles (libs/database, `provision`): `database-<service>-owner` and `database-<service>-app`. */
export const databasePasswords = (dir: string, service: string): Passwords => ({
  owner: ensurePassword(dir, `database-${service}-owner`),
  app: ensurePassword(dir, `database-${service}-app`),
});

/**
 * What Kafka's listener checks passwords by (SASL/PLAIN in a JAAS file): made from the files `kafka-<user>`, and anew
 * each time, so that a password that was changed there is changed here.
 */
export function writeKafkaJaas(dir: string): void {
  const password = (user: string) => ensurePassword(dir, `kafka-${user}`);
  const users = KAFKA_USERS.map((user) => [user, password(user)] as const);
  const text = plainLogins('KafkaServer', users, ['admin', password('admin')]);
  const file = join(dir, 'kafka-jaas.conf');
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
