import { z } from 'zod';
import {
  ConfigError,
  databaseSettings,
  databaseUrlOf,
  flag,
  httpUrl,
  logLevel,
  openConfig,
  port,
  secretFile,
} from '#libs/config';
import { SERVICE_ISSUER, type TokenOptions } from '#libs/doors';
import { traceSettings } from '#libs/trace';
import type { ServiceDefinition } from './create-service.js';
import { type HostConfig, hostSettings } from './host.config.js';

/** What is the same for every service that is a process of its own. */
export interface ProcessConfig extends HostConfig {
  /** `PORT`; 0: any free one. */
  port: number;
  /** `KAIKA_HOST`: the address to listen on. Default 127.0.0.1; 0.0.0.0 in a container. */
  host: string;
  /** `KAIKA_METRICS_PORT`: `/metrics` there, and not on PORT. */
  metricsPort: number | undefined;
  /** `KAIKA_LOG_LEVEL` */
  logLevel: string;
  /** `KAIKA_TOKEN_ISSUER`, `KAIKA_JWKS_FILE`, `KAIKA_JWKS_URL`, `KAIKA_SERVICE_JWKS_FILE` */
  tokens: TokenOptions;
  /** `DATABASE_URL` and `KAIKA_DATABASE_PASSWORD_FILE`; undefined for a service without a database. */
  databaseUrl: string | undefined;
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`: where spans are sent; undefined: there are none. */
  tracesTo: string | undefined;
  /** `KAIKA_THROWAWAY`: the clock may be moved. `KAIKA_THROWAWAY_CLOCK_FILE`: `{offsetMs}` to begin with. */
  throwaway: { clockFile: string | undefined } | undefined;
}

/** Every process's, beside `hostSettings` and the service's own. */
export const processSettings = {
  ...traceSettings,
  PORT: port().optional(),
  KAIKA_HOST: z.union([z.ipv4(), z.ipv6(), z.literal('localhost')], 'is not an IP address').default('127.0.0.1'),
  KAIKA_METRICS_PORT: port().optional(),
  KAIKA_LOG_LEVEL: logLevel().default('info'),
  KAIKA_TOKEN_ISSUER: z.string().refine((issuer) => issuer !== SERVICE_ISSUER, 'is the issuer of the services'),
  KAIKA_JWKS_FILE: z.string(),
  KAIKA_JWKS_URL: httpUrl().optional(),
  KAIKA_SERVICE_JWKS_FILE: secretFile(),
  KAIKA_THROWAWAY: flag().default(false),
  KAIKA_THROWAWAY_CLOCK_FILE: z.string().optional(),
};

const withoutDatabase = z.object({ ...hostSettings, ...processSettings });
const withDatabase = withoutDatabase.extend(databaseSettings);

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** @throws ConfigError naming every wrong variable */
export async function readProcessConfig(
  { port: ownPort, migrations }: ServiceDefinition,
  env: NodeJS.ProcessEnv,
): Promise<ProcessConfig> {
  const database = migrations.length > 0 ? await openConfig(withDatabase, env) : undefined;
  const read = database ?? (await openConfig(withoutDatabase, env));
  const problems: ConfigError['problems'] = [];
  const refuse = (variable: string, problem: string) => problems.push({ variable, problem });
  if (read.KAIKA_THROWAWAY) {
    if (env['NODE_ENV'] === 'production') refuse('KAIKA_THROWAWAY', 'is set: not for production');
    if (!LOOPBACK.has(read.KAIKA_HOST)) refuse('KAIKA_HOST', 'a throw-away process listens on 127.0.0.1 only');
  } else if (read.KAIKA_THROWAWAY_CLOCK_FILE) {
    refuse(
      'KAIKA_THROWAWAY_CLOCK_FILE',
      'only a throw-away process (KAIKA_THROWAWAY=true) has a clock that can be set',
    );
  }
  if (!read.KAIKA_JWKS_URL && !secretFile().safeParse(read.KAIKA_JWKS_FILE).success) {
    refuse('KAIKA_JWKS_FILE', 'names a file that cannot be read, and no KAIKA_JWKS_URL to get it from');
  }
  const port = read.PORT ?? ownPort;
  if (port !== 0 && port === read.KAIKA_METRICS_PORT) refuse('KAIKA_METRICS_PORT', 'is the same as PORT');
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    trustProxy: read.KAIKA_TRUST_PROXY ?? false,
    ...{ port, host: read.KAIKA_HOST, metricsPort: read.KAIKA_METRICS_PORT, logLevel: read.KAIKA_LOG_LEVEL },
    tokens: {
      issuer: read.KAIKA_TOKEN_ISSUER,
      jwksFile: read.KAIKA_JWKS_FILE,
      jwksUrl: read.KAIKA_JWKS_URL,
      serviceJwksFile: read.KAIKA_SERVICE_JWKS_FILE,
    },
    databaseUrl: database && databaseUrlOf(database),
    tracesTo: read.OTEL_EXPORTER_OTLP_ENDPOINT,
    throwaway: read.KAIKA_THROWAWAY ? { clockFile: read.KAIKA_THROWAWAY_CLOCK_FILE } : undefined,
  };
}
