import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './kafka-jars.js';
import { newStack, PART_NAMES, type PartName, type StackState } from './stack-file.js';

/** Whether a Docker engine answers here, and nobody said to do without it. */
export const dockerAnswers = (env: NodeJS.ProcessEnv = process.env): boolean =>
  env['KAIKA_STACK_DOCKER'] !== 'no' &&
  spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

/** The port of each part inside its container, by which its address outside is found. */
const INSIDE: Record<PartName, number> = { postgres: 5432, redis: 6379, kafka: 9092 };
const KAFKA_WITH_LOGIN = 9095;

const secretsFolder = (): string => join(repositoryRoot(), 'deploy', 'secrets');

/** The second file opens the parts to this machine. */
const files = (): string[] =>
  ['docker-compose.yml', 'docker-compose.dev.yml'].flatMap((name) => ['-f', join(repositoryRoot(), name)]);

const compose = (args: string[], capture = false) =>
  spawnSync('docker', ['compose', ...files(), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
  });

/** @returns docker's exit code */
export function composeUp(print: (line: string) => void): number {
  const code = compose(['up', '-d', '--wait', ...PART_NAMES]).status ?? 1;
  if (code !== 0 && !existsSync(secretsFolder())) print('the passwords are missing: npm run setup -- keys');
  return code;
}

/** Stops the containers; their volumes stay. @returns docker's exit code */
export const composeDown = (): number => compose(['stop', ...PART_NAMES]).status ?? 1;

interface Container {
  Service: string;
  State: string;
  Health?: string;
  Publishers?: { TargetPort: number; PublishedPort: number }[];
}

/** What compose says of the parts, in the form of `stack.json`. */
export function composeStack(): StackState {
  const stack = newStack('docker', null);
  const { stdout } = compose(['ps', '-a', '--format', 'json', ...PART_NAMES], true);
  const containers = (stdout ?? '').split('\n').filter(Boolean).flatMap((line) => JSON.parse(line) as Container | Container[]); // prettier-ignore
  const outside = (name: PartName, inside: number): string | null => {
    const publishers = containers.find(({ Service }) => Service === name)?.Publishers ?? [];
    const port = publishers.find((p) => p.TargetPort === inside && p.PublishedPort)?.PublishedPort;
    return port ? `127.0.0.1:${port}` : null;
  };
  for (const name of PART_NAMES) {
    const container = containers.find(({ Service }) => Service === name);
    const healthy = container?.State === 'running' && (!container.Health || container.Health === 'healthy');
    const state = healthy ? 'running' : container?.State === 'running' ? 'starting' : 'stopped';
    Object.assign(stack.parts[name], { state, address: outside(name, INSIDE[name]) });
  }
  const { postgres, redis, kafka } = stack.parts;
  if (postgres.address) postgres.url = `postgres://postgres@${postgres.address}/postgres`;
  postgres.passwordFile = join(secretsFolder(), 'postgres');
  if (redis.address) redis.url = `redis://${redis.address}`;
  kafka.brokers = kafka.address;
  kafka.saslBrokers = outside('kafka', KAFKA_WITH_LOGIN);
  kafka.secrets = secretsFolder();
  return stack;
}
