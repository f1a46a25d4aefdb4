import { Logger } from '@nestjs/common';
import type { Admin, Kafka, SASLOptions } from 'kafkajs';
import type { KafkaConnection } from '../transport-settings.js';

const log = new Logger('kafka');

/**
 * A client that connects to nothing yet. What kafkajs tells of each failed request goes to the debug log: whoever calls
 * waits for the broker, and says so once. Loaded here, for none but who uses Kafka.
 *
 * @param name what the broker's logs know us by
 * @param retries of a request within a call. Few: whoever calls tries again, for ever, with a new client
 */
export async function kafkaClient({ brokers, sasl, tls }: KafkaConnection, name: string, retries = 2): Promise<Kafka> {
  const [{ Kafka, logLevel }, { quietQueues }] = await Promise.all([import('kafkajs'), import('./quiet-queues.js')]);
  quietQueues();
  return new Kafka({
    clientId: `kaika-${name}`,
    brokers,
    ...(sasl && { sasl: sasl as SASLOptions }),
    ...(tls && { ssl: { ca: [tls.ca] } }),
    connectionTimeout: 3_000,
    // A broker that went away without a word: its half-open connection is given up.
    requestTimeout: 10_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
    logLevel: logLevel.INFO,
    logCreator:
      () =>
      ({ namespace, log: { message, error } }) =>
        log.debug([namespace, message, error].filter((part) => typeof part === 'string' && part !== '').join(': ')),
  });
}

/** An administrator's connection for one piece of work. */
export async function withAdmin<T>(
  connection: KafkaConnection,
  name: string,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = (await kafkaClient(connection, name)).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** What went wrong, and what kafkajs hides under it (`KafkaJSNumberOfRetriesExceeded` says little). */
export function messageOf(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: { message?: unknown } };
  const parts = [message, cause?.message].filter((part): part is string => typeof part === 'string' && part !== '');
  return [...new Set(parts)].join(': ') || String(error);
}
