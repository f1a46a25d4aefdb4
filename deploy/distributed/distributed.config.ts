import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError, flag, httpUrl, logLevel, port, readConfig } from '#libs/config';

const schema = z.object({
  /** Of the edge: pages and API, on 127.0.0.1. 0: any free one. */
  PORT: port().default(8080),
  /** Of the card agent, its own origin. 0: any free one. */
  KAIKA_AGENT_PORT: port().default(3010),
  /** PostgreSQL, Kafka and Redis: the folder of `npm run stack`. */
  KAIKA_STACK_DIR: z
    .string()
    .default('data/stack')
    .transform((dir) => resolve(dir)),
  /** Keys, lists and virtual cards. Default: `instance` in the stack's folder, since the two belong together. */
  DATA_DIR: z.string().optional(),
  KAIKA_PUBLIC_URL: httpUrl().optional(),
  KAIKA_LOG_LEVEL: logLevel().optional(),
  /** A database and topics of its own, emptied when DATA_DIR is new; its clock may be moved. Never real data. */
  KAIKA_THROWAWAY: flag().default(false),
  KAIKA_THROWAWAY_START: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional(),
});

export type DistributedConfig = Omit<z.output<typeof schema>, 'DATA_DIR'> & { DATA_DIR: string };

/** @throws ConfigError naming every wrong variable; also in production, which has docker-compose.yml and k8s/ */
export function readDistributedConfig(env: NodeJS.ProcessEnv): DistributedConfig {
  const read = readConfig(schema, env);
  const problems: { variable: string; problem: string }[] = [];
  if (env['NODE_ENV'] === 'production') {
    const problem = 'this has demo users, demo keys and a virtual card: not for production (docker-compose.yml, k8s/)';
    problems.push({ variable: 'NODE_ENV', problem });
  }
  if (read.KAIKA_THROWAWAY_START && !read.KAIKA_THROWAWAY) {
    const problem = 'only a throw-away instance (KAIKA_THROWAWAY=true) has a clock that can be set';
    problems.push({ variable: 'KAIKA_THROWAWAY_START', problem });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...read, DATA_DIR: resolve(read.DATA_DIR ?? `${read.KAIKA_STACK_DIR}/instance`) };
}
