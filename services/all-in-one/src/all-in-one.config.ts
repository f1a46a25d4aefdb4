import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError, flag, httpUrl, logLevel, port, readConfig } from '#libs/config';
import { hostSettings } from '#libs/host';
import { traceSettings } from '#libs/trace';

const schema = z.object({
  ...hostSettings,
  /** Where spans are sent. Default: there are none. */
  ...traceSettings,
  /** Of pages and API, on 127.0.0.1. 0: any free one. */
  PORT: port().default(8080),
  /** Of the card agent, its own origin on 127.0.0.1. 0: any free one. */
  KAIKA_AGENT_PORT: port().default(3010),
  /** Database, keys, lists and virtual cards. */
  DATA_DIR: z
    .string()
    .default('data')
    .transform((dir) => resolve(dir)),
  /** An existing PostgreSQL 18, with a user that may create roles. Default: our own, in DATA_DIR. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  /** What certificates say of where lists are; relying parties must reach it. Default: http://localhost:PORT. */
  KAIKA_PUBLIC_URL: httpUrl().optional(),
  KAIKA_LOG_LEVEL: logLevel().default('warn'),
  /** An instance whose clock may be moved, for demonstrations and tests. Never real data. */
  KAIKA_THROWAWAY: flag().default(false),
  /** Where a throw-away instance's clock begins. */
  KAIKA_THROWAWAY_START: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional(),
});
export type AllInOneConfig = z.output<typeof schema>;

/** @throws ConfigError naming every wrong variable; also in production, which this profile is not for */
export function readAllInOneConfig(env: NodeJS.ProcessEnv): AllInOneConfig {
  const config = readConfig(schema, env);
  const problems: { variable: string; problem: string }[] = [];
  if (env['NODE_ENV'] === 'production') {
    problems.push({
      variable: 'NODE_ENV',
      problem: 'the embedded default has demo users, demo keys and a virtual card: not for production',
    });
  }
  for (const variable of ['HOST', 'KAIKA_HOST']) {
    if (env[variable] && !['127.0.0.1', 'localhost'].includes(env[variable])) {
      problems.push({ variable, problem: 'the embedded default listens on 127.0.0.1 only' });
    }
  }
  if (config.KAIKA_THROWAWAY_START && !config.KAIKA_THROWAWAY) {
    problems.push({
      variable: 'KAIKA_THROWAWAY_START',
      problem: 'only a throw-away instance (KAIKA_THROWAWAY=true) has a clock that can be set',
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
