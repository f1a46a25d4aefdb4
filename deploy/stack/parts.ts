import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { kafkaAnswers, startKafka } from './kafka.js';
import { mustBeFree } from './ports.js';
import { identify } from './process-identity.js';
import { redisAnswers, startRedis } from './redis.js';
import { type PartName, type PartState, postgresUrl, type StackState } from './stack-file.js';
import { choosePort, notePorts, type StackPorts } from './stack-ports.js';

export interface PartSurroundings {
  /** The stack's folder; each part has one of its name in it. */
  dir: string;
  ports: Partial<StackPorts>;
  log: (line: string) => void;
  /** Server settings of PostgreSQL besides ours. */
  postgresSettings?: Record<string, string>;
}

export interface RunningPart<N extends PartName = PartName> {
  /** What the stack's state says of it from now on. */
  found: Partial<StackState['parts'][N]>;
  ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts a part on its folder and port. @throws Error saying what to do */
export const START: { [N in PartName]: (around: PartSurroundings) => Promise<RunningPart<N>> } = {
  async postgres({ dir, ports, log, postgresSettings = {} }) {
    const { startPostgres } = await import('#libs/database'); // brings TypeORM along: not for `status`
    const dataDir = join(dir, 'postgres');
    const port = await choosePort(dir, 'postgres', ports);
    // A server left by a killed supervisor may hold the port for another moment: startPostgres waits for that one.
    if (!existsSync(join(dataDir, 'pgdata', 'postmaster.pid'))) await mustBeFree('postgres', port);
    const postgres = await startPostgres({ dataDir, port, log, settings: postgresSettings });
    notePorts(dir, { postgres: port });
    const pid = Number(readFileSync(join(dataDir, 'pgdata', 'postmaster.pid'), 'utf8').split('\n')[0]);
    const found = { url: `postgres://postgres@127.0.0.1:${port}/postgres`, passwordFile: join(dataDir, 'superuser-password'), ...at(port, pid) }; // prettier-ignore
    return { found, ended: postgres.ended, stop: () => postgres.stop() };
  },
  async redis({ dir, ports, log }) {
    const redis = await startRedis({ dir: join(dir, 'redis'), port: await choosePort(dir, 'redis', ports), log });
    notePorts(dir, { redis: redis.port });
    return { found: { url: redis.url, ...at(redis.port, redis.pid) }, ended: redis.ended, stop: () => redis.stop() };
  },
  async kafka({ dir, ports, log }) {
    const plaintext = await choosePort(dir, 'kafka', ports);
    const sasl = await choosePort(dir, 'kafkaSasl', { ...ports, kafka: plaintext });
    const kafka = await startKafka({ dir: join(dir, 'kafka'), ports: { plaintext, sasl }, log });
    notePorts(dir, { kafka: plaintext, kafkaSasl: sasl });
    const { brokers, saslBrokers, pid, ended } = kafka;
    const found = { brokers, saslBrokers, secrets: join(dir, 'kafka', 'secrets'), ...at(plaintext, pid) };
    return { found, ended, stop: () => kafka.stop() };
  },
};

const at = (port: number, pid: number): Partial<PartState> => ({
  address: `127.0.0.1:${port}`,
  process: identify(pid) ?? null,
});

/** Asks the part itself, as a client would. Never throws. */
export async function answers(stack: StackState, name: PartName): Promise<boolean> {
  const { address } = stack.parts[name];
  if (!address) return false;
  if (name === 'kafka') return kafkaAnswers(address);
  if (name === 'redis') return redisAnswers(Number(address.split(':').at(-1)));
  try {
    return await databaseServerAnswers(postgresUrl(stack));
  } catch {
    return false;
  }
}

export async function databaseServerAnswers(url: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const file = env['KAIKA_DATABASE_PASSWORD_FILE'];
  const password = file && !new URL(url).password ? { password: readFileSync(file, 'utf8').trim() } : {};
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 3000, ...password });
  client.on('error', () => {}); // told by the answer
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
