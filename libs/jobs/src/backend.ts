import { createPostgresBackend, Queue, runMigrations, withBackend, Worker, type Processor, type QueueOptions, type WorkerOptions } from 'bullmq'; // prettier-ignore
import { Client } from 'pg';
import { PREFIX, queueConnection, redisProblems, type RedisServer, workerConnection } from './redis.js';

/** Where jobs are kept: a schema of PostgreSQL (embedded default), or Redis (distributed). */
export type JobsBackend =
  | { kind: 'postgres'; /** Role with DML on the schema. */ url: string; /** Default `jobs`. */ schema?: string }
  | ({ kind: 'redis' } & RedisServer);

const DEFAULT_SCHEMA = 'jobs';
const onPostgres = withBackend(createPostgresBackend);

const postgres = (backend: JobsBackend & { kind: 'postgres' }) => ({
  connectionString: backend.url,
  schema: backend.schema ?? DEFAULT_SCHEMA,
  max: 2,
  connectionTimeoutMillis: 5_000,
});

export function openQueue(backend: JobsBackend, name: string, options: Omit<QueueOptions, 'connection'>): Queue {
  if (backend.kind === 'redis')
    return new Queue(name, { ...options, prefix: PREFIX, connection: queueConnection(backend) });
  return new onPostgres.Queue(name, { ...options, connection: postgres(backend) }) as unknown as Queue;
}

export function openWorker(
  backend: JobsBackend,
  name: string,
  work: Processor,
  options: Omit<WorkerOptions, 'connection'>,
): Worker {
  if (backend.kind === 'redis')
    return new Worker(name, work, { ...options, prefix: PREFIX, connection: workerConnection(backend) });
  return new onPostgres.Worker(name, work, { ...options, connection: postgres(backend) }) as unknown as Worker;
}

/** What whoever runs the backend should mend. Nothing stops for it. */
export async function backendProblems(backend: JobsBackend, queue: Queue): Promise<string[]> {
  return backend.kind === 'redis' ? redisProblems(queue) : [];
}

/**
 * BullMQ's tables in schema `jobs`, made or brought up to date; idempotent. The schema itself comes from
 * `provision(adminUrl, 'jobs', …)` and takes no TypeORM migrations: BullMQ's ledger has the same name as TypeORM's.
 */
export async function prepareJobs(ownerUrl: string, schema = DEFAULT_SCHEMA): Promise<void> {
  const client = new Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await runMigrations(
      {
        // The schema is there, and its owner may make no other.
        query: async (sql: string, values?: unknown[]) =>
          /^create schema/i.test(sql) ? { rows: [], rowCount: 0 } : client.query(sql, values),
      } as unknown as Parameters<typeof runMigrations>[0],
      schema,
    );
  } finally {
    await client.end();
  }
}
