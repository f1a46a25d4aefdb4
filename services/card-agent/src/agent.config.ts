import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '#libs/clock';
import { ConfigError, logLevel, port, readConfig, secretFile } from '#libs/config';

export const AGENT_VERSION = '0.1.0';

export interface AgentConfig {
  clock: Clock;
  log: Logger;
  /** The pages that may use this agent: exact origins, `https://ca.example`. */
  origins: readonly string[];
  /** The centre's public key that PIN jobs are signed with: Ed25519. */
  jobKey: JWK;
  /** A folder of virtual cards with its virtual reader; without it the agent has no reader in this version. */
  virtualCardsDir?: string;
  /** Called before each request is looked at: where a throw-away instance's clock is set. */
  beforeRequest?: () => void;
  /** For one transmit: a wrong length can hang a reader for good. */
  transmitTimeoutMs?: number;
}

/** How long a proof's key, and a page for the PIN, live in memory. */
export const SESSION_SECONDS = 600;

/** An origin as a browser writes it: scheme, host, port unless it is the scheme's own; no path. */
const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  message: 'is not a list of origins such as https://ca.example, separated by commas',
});

const shape = z.object({
  KAIKA_AGENT_PORT: port().default(3010),
  /** Whose pages may use the agent; never `*` */
  KAIKA_AGENT_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((item) => item.trim()))
    .pipe(z.array(origin)),
  /** JWK of the centre's public key for PIN jobs */
  KAIKA_JOB_KEY_FILE: secretFile(),
  KAIKA_LOG_LEVEL: logLevel().default('info'),
  KAIKA_VIRTUAL_CARDS_DIR: z.string().default('data/virtual-cards'),
  /** Of a throw-away instance: `{offsetMs}`, how far its clock is behind. Virtual cards only */
  KAIKA_THROWAWAY_CLOCK_FILE: z.string().optional(),
});

/** Settings of the agent as a process of its own. `--virtual` drives the cards of KAIKA_VIRTUAL_CARDS_DIR. @throws ConfigError */
export function agentSettings(env: NodeJS.ProcessEnv, args: readonly string[]) {
  const settings = readConfig(shape, env);
  const virtual = args.includes('--virtual');
  if (virtual && env['NODE_ENV'] === 'production') {
    throw new ConfigError([{ variable: 'NODE_ENV', problem: 'virtual cards (--virtual) are not for production' }]);
  }
  if (settings.KAIKA_THROWAWAY_CLOCK_FILE && !virtual) {
    throw new ConfigError([{ variable: 'KAIKA_THROWAWAY_CLOCK_FILE', problem: 'is for virtual cards only' }]);
  }
  return {
    port: settings.KAIKA_AGENT_PORT,
    logLevel: settings.KAIKA_LOG_LEVEL,
    origins: settings.KAIKA_AGENT_ORIGINS,
    jobKey: JSON.parse(readFileSync(settings.KAIKA_JOB_KEY_FILE, 'utf8')) as JWK,
    virtualCardsDir: virtual ? settings.KAIKA_VIRTUAL_CARDS_DIR : undefined,
    clockFile: settings.KAIKA_THROWAWAY_CLOCK_FILE,
  };
}
