import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './json-file.js';
import { lives, type ProcessIdentity } from './process-identity.js';

export const PART_NAMES = ['postgres', 'redis', 'kafka'] as const;
export type PartName = (typeof PART_NAMES)[number];

export interface PartState {
  /**
   * `failed`: the last start did, `problem` says why; it is tried again. `external`: not ours (DATABASE_URL). `silent`,
   * in answers of `status` alone: it ought to run and does not answer.
   */
  state: 'starting' | 'running' | 'failed' | 'external' | 'stopped' | 'silent';
  /** `127.0.0.1:<port>`; of Kafka the listener without login. Null until a port is chosen. */
  address: string | null;
  /** Of the server itself, to be killed in tests of failure. */
  process: ProcessIdentity | null;
  /** How often it was started again after it had ended by itself. */
  restarts: number;
  problem: string | null;
}

/** What `stack.json` holds: nothing secret, only where secrets lie. */
export interface StackState {
  /** Docker keeps the parts of a compose project itself: no supervisor, no processes. */
  engine: 'processes' | 'docker';
  supervisor: ProcessIdentity | null;
  parts: {
    /** Superuser, without the password; null with `external`: DATABASE_URL has it all. */
    postgres: PartState & { url: string | null; passwordFile: string | null };
    redis: PartState & { url: string | null };
    /** `secrets`: folder with the passwords of the SASL listener's users, see `kafkaPasswordFile`. */
    kafka: PartState & { brokers: string | null; saslBrokers: string | null; secrets: string | null };
  };
}

const NONE: PartState = { state: 'starting', address: null, process: null, restarts: 0, problem: null };

export const newStack = (engine: StackState['engine'], supervisor: ProcessIdentity | null): StackState => ({
  engine,
  supervisor,
  parts: {
    postgres: { ...NONE, url: null, passwordFile: null },
    redis: { ...NONE, url: null },
    kafka: { ...NONE, brokers: null, saslBrokers: null, secrets: null },
  },
});

export const stackFile = (dir: string): string => join(dir, 'stack.json');

export const writeStack = (dir: string, stack: StackState): void => writeJson(stackFile(dir), stack);

/** As its supervisor wrote it last, alive or not. */
export const lastStack = (dir: string): StackState | undefined => readJson<StackState>(stackFile(dir));

/** The stack that is up in this folder; undefined when none is: what a killed supervisor or a reboot left is no stack. */
export function readStack(dir: string): StackState | undefined {
  const stack = lastStack(dir);
  return stack && (stack.engine === 'docker' || lives(stack.supervisor)) ? stack : undefined;
}

/** The superuser's URL with its password. @throws Error while PostgreSQL doesn't run, or when DATABASE_URL is missing */
export function postgresUrl({ parts: { postgres } }: StackState, env: NodeJS.ProcessEnv = process.env): string {
  if (postgres.state === 'external') {
    if (!env['DATABASE_URL']) throw new Error('the stack was started with DATABASE_URL: set it here too');
    return env['DATABASE_URL'];
  }
  if (!postgres.url) throw new Error(`PostgreSQL is not running: ${postgres.problem ?? postgres.state}`);
  const url = new URL(postgres.url);
  if (postgres.passwordFile) url.password = readFileSync(postgres.passwordFile, 'utf8').trim();
  return url.href;
}

/** Where the password of a user of Kafka's SASL listener lies. @throws Error while Kafka doesn't run */
export function kafkaPasswordFile({ engine, parts: { kafka } }: StackState, user: string): string {
  if (!kafka.secrets) throw new Error(`Kafka is not running: ${kafka.problem ?? kafka.state}`);
  return join(kafka.secrets, engine === 'docker' ? `kafka-${user}` : `${user}-password`);
}
