import { join } from 'node:path';
import { readJson, writeJson } from './json-file.js';
import { freePort } from './ports.js';

export interface StackPorts {
  postgres: number;
  redis: number;
  kafka: number;
  kafkaSasl: number;
}
export type PortName = keyof StackPorts;

/** Those that people know by heart, when nobody else has them. */
const USUAL: StackPorts = { postgres: 5432, redis: 6379, kafka: 9092, kafkaSasl: 9094 };

const VARIABLES: Record<PortName, string> = {
  postgres: 'KAIKA_STACK_POSTGRES_PORT',
  redis: 'KAIKA_STACK_REDIS_PORT',
  kafka: 'KAIKA_STACK_KAFKA_PORT',
  kafkaSasl: 'KAIKA_STACK_KAFKA_SASL_PORT',
};

/** Set ports; 0: any free one, not the usual one. @throws Error naming the variable */
export function portsOfEnvironment(env: NodeJS.ProcessEnv): Partial<StackPorts> {
  const ports: Partial<StackPorts> = {};
  for (const [name, variable] of Object.entries(VARIABLES) as [PortName, string][]) {
    const value = env[variable];
    if (!value) continue;
    if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw new Error(`${variable} is not a port (0 to 65535)`);
    ports[name] = Number(value);
  }
  return ports;
}

const portsFile = (dir: string): string => join(dir, 'ports.json');

/** The ports a folder's parts had at their last good start. */
export const notedPorts = (dir: string): Partial<StackPorts> => readJson<StackPorts>(portsFile(dir)) ?? {};

/** Noted once a part runs on it: a port that somebody else took first is chosen anew, one that served stays. */
export const notePorts = (dir: string, ports: Partial<StackPorts>): void =>
  writeJson(portsFile(dir), { ...notedPorts(dir), ...ports });

export async function choosePort(dir: string, name: PortName, set: Partial<StackPorts>): Promise<number> {
  const noted = notedPorts(dir);
  if (set[name]) return set[name];
  if (noted[name]) return noted[name];
  const others = Object.values({ ...noted, ...set });
  return freePort(set[name] === 0 ? undefined : USUAL[name], others);
}
