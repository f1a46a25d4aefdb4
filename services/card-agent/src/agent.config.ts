import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '#libs/clock';
import type { CardLimits } from './readers/card-gates.js';
import type { DrivenReaders } from './readers/readers-of.js';
import { stationOf, stationSettings } from './station/station.config.js';
import { ConfigError, logLevel, port, readConfig, secretFile } from '#libs/config';

export const AGENT_VERSION = '0.1.0';

export interface AgentConfig extends DrivenReaders {
  clock: Clock;
  log: Logger;
  /** The pages that may use this agent: exact origins, `https://ca.example`. */
  origins: readonly string[];
  /** The centre's public key that PIN jobs are signed with: Ed25519. */
  jobKey: JWK;
  /** Whether a page must be let in by the person at the reader. */
  pairing: boolean;
  /** The centre's CA certificates, DER, for the self-check. */
  issuers?: readonly Buffer[];
  /** Called before each request is looked at: where a throw-away instance's clock is set. */
  beforeRequest?: () => void;
  limits?: CardLimits;
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
  /** PEM: the centre's CA certificates, for the chain in the self-check */
  KAIKA_AGENT_CA_FILE: secretFile().optional(),
  /** `on`: a page is let in by a code on the agent's own page; `off`: being on the list is enough */
  KAIKA_AGENT_PAIRING: z.enum(['on', 'off']).optional(),
  KAIKA_LOG_LEVEL: logLevel().default('info'),
  KAIKA_VIRTUAL_CARDS_DIR: z.string().default('data/virtual-cards'),
  /** Of a throw-away instance: `{offsetMs}`, how far its clock is behind. Virtual cards only */
  KAIKA_THROWAWAY_CLOCK_FILE: z.string().optional(),
  ...stationSettings,
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
    pairing: settings.KAIKA_AGENT_PAIRING ? settings.KAIKA_AGENT_PAIRING === 'on' : !virtual,
    issuers: settings.KAIKA_AGENT_CA_FILE ? certificatesIn(settings.KAIKA_AGENT_CA_FILE) : [],
    virtualCardsDir: virtual ? settings.KAIKA_VIRTUAL_CARDS_DIR : undefined,
    clockFile: settings.KAIKA_THROWAWAY_CLOCK_FILE,
    station: stationOf(settings),
  };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesIn(file: string): Buffer[] {
  try {
    const found = readFileSync(file, 'utf8').match(PEM_CERTIFICATE) ?? [];
    if (found.length === 0) throw new Error('no certificate');
    return found.map((pem) => new X509Certificate(pem).raw);
  } catch {
    throw new ConfigError([{ variable: 'KAIKA_AGENT_CA_FILE', problem: 'is not a file of PEM certificates' }]);
  }
}
