import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from './kafka-jars.js';
import { newStack, PART_NAMES, type PartName, type StackState } from './stack-file.js';

/** Whether a Docker engine answers here, and nobody said to do without it. */
export const dockerAnswers = (env: NodeJS.ProcessEnv = process.env): boolean =>
  env['KAIKA_STACK_DOCKER'] !== 'no' &&
  spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

/** The port of each part inside its container, by which its address outside is found. */
const INSIDE: Record<PartName, number> = { postgres: 5432, redis: 6379, kafka: 9092 };

/** The second opens the parts to this machine. Their passwords: `npm run setup -- keys`. */
const FILES = ['docker-compose.yml', 'docker-compose.dev.yml'];

const compose = (args: string[], capture = false) =>
  spawnSync('docker', ['compose', ...FILES.flatMap((file) => ['-f', join(repositoryRoot(), file)]), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', capture ? 'pipe' : 'inherit', 'inherit'],
  });

/** @returns docker's exit code */
export const composeUp = (): number => compose(['up', '-d', '--wait', ...PART_NAMES]).status ?? 1;

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
  for (const name of PART_NAMES) {
    const container = containers.find(({ Service }) => Service === name);
    const port = container?.Publishers?.find((p) => p.TargetPort === INSIDE[name] && p.PublishedPort)?.PublishedPort;
    const healthy = container?.State === 'running' && (!container.Health || container.Health === 'healthy');
    const state = healthy ? 'running' : container?.State === 'running' ? 'starting' : 'stopped';
    Object.assign(stack.parts[name], { state, address: port ? `127.0.0.1:${port}` : null });
  }
  const { postgres, redis, kafka } = stack.parts;
  if (postgres.address) {
    postgres.url = `postgres://postgres@${postgres.address}/postgres`;
    postgres.passwordFile = join(repositoryRoot(), 'deploy', 'secrets', 'postgres');
  }
  if (redis.address) redis.url = `redis://${redis.address}`;
  kafka.brokers = kafka.address;
  return stack;
}
