import type { Queue, RedisOptions, RedisQueueBackend } from 'bullmq';

export interface RedisServer {
  /** `redis[s]://[user@]host[:port][/db]`; no password in it. */
  url: string;
  password?: string;
}

/** Names of all keys begin with it; a Redis may be shared. */
export const PREFIX = 'kaika';

const CONNECT_MS = 5_000;
const COMMAND_MS = 5_000;
/** A worker's longest blocking command takes 10 s (BullMQ): longer silence means a connection that is none any more. */
const SILENCE_MS = 30_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const POLICY = 'noeviction';

const common = ({ url, password }: RedisServer) => {
  const { protocol, hostname, port, pathname, username } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port ? Number(port) : 6379,
    db: Number(pathname.slice(1)),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password !== undefined && { password }),
    ...(protocol === 'rediss:' && { tls: {} }),
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // For ever: a Redis that is away ends nothing.
    retryStrategy: (times: number) => Math.min(FIRST_RETRY_MS * 2 ** Math.min(times, 10), LAST_RETRY_MS),
    // BullMQ would print to the console what `redisProblems` finds.
    skipVersionCheck: true,
  } satisfies RedisOptions & { skipVersionCheck: boolean };
};

/** Of a queue: while Redis is away a command fails at once, for its caller goes on without. */
export const queueConnection = (server: RedisServer): RedisOptions => ({
  ...common(server),
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_MS,
});

/** Of a worker: it has nothing else to do, and waits until Redis is back. */
export const workerConnection = (server: RedisServer): RedisOptions => ({
  ...common(server),
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
});

/** What should be set otherwise in this Redis: with eviction it may drop keys of its choice, a scheduler among them. */
export async function redisProblems(queue: Queue): Promise<string[]> {
  const client = await (queue.getBackend() as RedisQueueBackend).client;
  const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info())?.[1];
  if (policy === undefined || policy === POLICY) return [];
  return [`maxmemory-policy of Redis is ${policy}: set it to ${POLICY}, else it may drop the scheduler`];
}
