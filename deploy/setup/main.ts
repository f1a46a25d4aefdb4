import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigError } from '#libs/config';
import { Clock } from '#libs/clock';
import { isSurroundingsError, patiently } from '#libs/database';
import { ceremony, renewRootCrl } from '#libs/pki';
import { ensureKeys } from '../../services/all-in-one/src/keys.js';
import { setUpDatabase, WITH_DATABASE } from './database.js';
import { setUpKafka } from './kafka.js';
import { KAFKA_USERS } from '../kafka/users.js';
import { databasePasswords, ensurePassword, writeKafkaJaas } from './passwords.js';
import { readAdminUrl, readPublicUrl } from './setup.config.js';

const HELP = `npm run setup -- <what> [--dir <folder>]

What a deployment needs once, and after each upgrade. Each can be repeated: what is there stays.

  keys        every key and password of a deployment, each a file of its own, in <folder>/secrets (default: deploy)
  database    roles, schemas and tables of every service, with the passwords of these files
                DATABASE_URL, KAIKA_DATABASE_PASSWORD_FILE   a superuser, or the database's owner with CREATEROLE
  kafka       topics, and who may write and read them
                KAFKA_BROKERS, KAIKA_KAFKA_…                 of an administrator
  authority   the ceremony: root, issuing CA and card CA, in <folder>/authority, for trying things; where it counts, the
              root's key is made where no network is
                KAIKA_PUBLIC_URL                             what certificates say of where lists are: cannot change
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string', default: 'deploy' }, help: { type: 'boolean', short: 'h', default: false } },
});
const told = (line: string) => console.log(line);

process.exitCode = await main(positionals, resolve(values.dir)).catch((error: unknown) => {
  const lines = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.message);
  console.error(error instanceof ConfigError ? error.message : `setup: ${lines.join(': ') || String(error)}`);
  return 1;
});

async function main([what, ...rest]: string[], dir: string): Promise<number> {
  if (values.help || what === undefined) {
    console.log(HELP);
    return 0;
  }
  const steps: Record<string, () => Promise<void>> = {
    keys: () => keys(dir),
    database: () => database(`${dir}/secrets`),
    kafka: () => setUpKafka(process.env, told),
    authority: () => authority(`${dir}/authority`),
  };
  const step = Object.hasOwn(steps, what) && rest.length === 0 ? steps[what] : undefined;
  if (!step) {
    console.error(HELP);
    return 2;
  }
  await patiently(step, told, passes);
  return 0;
}

/** kafkajs marks what may pass. */
function passes(error: unknown): boolean {
  return isSurroundingsError(error) || (error as { retriable?: unknown }).retriable === true;
}

async function keys(dir: string): Promise<void> {
  const { dir: secrets } = await ensureKeys(dir);
  for (const { name } of WITH_DATABASE) databasePasswords(secrets, name);
  for (const name of ['postgres', 'redis', ...KAFKA_USERS.map((user) => `kafka-${user}`)])
    ensurePassword(secrets, name);
  writeKafkaJaas(secrets);
  told(`keys and passwords are in ${secrets}`);
}

async function database(secrets: string): Promise<void> {
  await setUpDatabase(await readAdminUrl(process.env), secrets, told);
}

async function authority(dir: string): Promise<void> {
  const publicUrl = await readPublicUrl(process.env);
  const clock = new Clock();
  const made = await ceremony({ dir, publicUrl, clock, log: told });
  await renewRootCrl(made, clock);
  told(`the authority is in ${dir}`);
}
