import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#libs/clock';
import { ceremony } from '#libs/pki';
import { KAFKA_USERS } from '../../deploy/kafka/users.js';
import { databasePasswords, ensurePassword, writeKafkaJaas } from '../../deploy/setup/passwords.js';
import { WITH_DATABASE } from '../../deploy/setup/database.js';
import { ensureKeys } from '../../services/all-in-one/src/keys.js';

/** A folder as `setup keys` and `setup authority` leave it, and a certificate for the edge. */
export async function secretsFolder(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-deployment-'));
  const { dir: secrets } = await ensureKeys(dir);
  for (const { name } of WITH_DATABASE) databasePasswords(secrets, name);
  for (const name of ['postgres', 'redis', ...KAFKA_USERS.map((user) => `kafka-${user}`)])
    ensurePassword(secrets, name);
  writeKafkaJaas(secrets);
  for (const name of ['edge-certificate', 'edge-key', 'kafka-ca.pem', 'smtp-password']) ensurePassword(secrets, name);
  const keys = { root: 'p-384', issuing: 'p-384' } as const; // an RSA-4096 key takes seconds
  await ceremony({
    dir: join(dir, 'authority'),
    publicUrl: 'http://ca.example',
    clock: systemClock(),
    keys,
    log: () => {},
  });
  return dir;
}

/** The files of the repository that git knows or would take in. */
export const repositoryFiles = (...paths: string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...paths], { encoding: 'utf8' })
    .trim()
    .split('\n');
