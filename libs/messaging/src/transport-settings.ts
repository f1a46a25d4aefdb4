import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, opened, postgresUrl, readPasswordFile } from '#libs/config';

export interface KafkaConnection {
  /** `host:port`, any of the cluster's. */
  brokers: string[];
  /** Without it: no authentication. */
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
  /** TLS; `ca` (PEM) is the one that the brokers' certificates are checked against. */
  tls?: { ca: string };
}

/** What carries a service's events. */
export type Transport =
  | {
      kind: 'embedded';
      /** Application role of schema `bus`. */
      busUrl: string;
    }
  | ({ kind: 'kafka' } & KafkaConnection);

const BROKER = /^[\w.-]+:\d{1,5}$|^\[[\da-f:.]+\]:\d{1,5}$/i;

const certificates = (path: string): string => {
  const content = readFileSync(path, 'utf8').trim();
  if (content === '') throw new Error(`${path} is empty`);
  return content;
};

/** To be spread into a service's settings; what they come to is told by `transportOf`. */
export const transportSettings = {
  KAIKA_BUS_URL: postgresUrl().optional(),
  KAFKA_BROKERS: z
    .string()
    .transform((list) => list.split(',').map((broker) => broker.trim()))
    .pipe(z.array(z.string().regex(BROKER, 'must list host:port, separated by commas')))
    .optional(),
  KAIKA_KAFKA_USERNAME: z.string().regex(/^\S+$/, 'must be one word').optional(),
  KAIKA_KAFKA_PASSWORD_FILE: opened(readPasswordFile).optional(),
  KAIKA_KAFKA_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
  KAIKA_KAFKA_CA_FILE: opened(certificates).optional(),
};

/** @throws ConfigError unless exactly one of `KAIKA_BUS_URL` and `KAFKA_BROKERS` is set, and name and password together */
export function transportOf(read: z.output<z.ZodObject<typeof transportSettings>>): Transport {
  const { KAIKA_BUS_URL: busUrl, KAFKA_BROKERS: brokers } = read;
  if (busUrl && !brokers) return { kind: 'embedded', busUrl };
  if (!brokers || busUrl) refuse(busUrl ? 'exactly one of the two' : 'one of the two', busUrl !== undefined);
  const { KAIKA_KAFKA_USERNAME: username, KAIKA_KAFKA_PASSWORD_FILE: password, KAIKA_KAFKA_CA_FILE: ca } = read;
  if ((username === undefined) !== (password === undefined)) {
    const variable = username === undefined ? 'KAIKA_KAFKA_USERNAME' : 'KAIKA_KAFKA_PASSWORD_FILE';
    throw new ConfigError([{ variable, problem: 'is not set, and the other of name and password is' }]);
  }
  return {
    kind: 'kafka',
    brokers,
    ...(username && password && { sasl: { mechanism: read.KAIKA_KAFKA_MECHANISM, username, password } }),
    ...(ca && { tls: { ca } }),
  };
}

function refuse(wanted: string, set: boolean): never {
  const problem = `is ${set ? '' : 'not '}set: events need ${wanted}, KAIKA_BUS_URL or KAFKA_BROKERS`;
  throw new ConfigError(['KAIKA_BUS_URL', 'KAFKA_BROKERS'].map((variable) => ({ variable, problem })));
}
