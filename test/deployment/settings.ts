import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, databaseSettings, hotlineSettings } from '#libs/config';
import { hostSettings, processSettings, readProcessConfig } from '#libs/host';
import { jobsSettings } from '#libs/jobs';
import { transportSettings } from '#libs/messaging';
import { SERVICES } from '../../services/all-in-one/src/services.js';

export type Environment = Record<string, string>;

/** Settings that several services spread into theirs. */
const SPREAD: Record<string, object> = {
  databaseSettings,
  hostSettings,
  hotlineSettings,
  jobsSettings,
  processSettings,
  transportSettings,
};

/** Variables that programs read and no settings of ours name. */
const OF_NODE = ['NODE_ENV'];

/** Every variable that a service reads as a process of its own, from the text of its settings and what they spread. */
export function readableBy(service: string): Set<string> {
  const text = readFileSync(`services/${service}/src/${service}.config.ts`, 'utf8');
  const own = [...text.matchAll(/^ {2,4}([A-Z][A-Z0-9_]+): /gm)].map(([, variable]) => variable!);
  const spread = [...text.matchAll(/\b(\w+Settings)\b/g)].map(([, name]) => name!);
  const all = [...new Set([...spread, 'hostSettings', 'processSettings'])];
  return new Set([...own, ...all.flatMap((name) => Object.keys(SPREAD[name] ?? {})), ...OF_NODE]);
}

/** What a service says of these settings when it starts: '' or what is wrong, by the very code that reads them. */
export async function problemsOf(service: string, env: Environment): Promise<string> {
  const definition = SERVICES.find(({ name }) => name === service)!;
  const problem = (error: unknown) => {
    if (error instanceof ConfigError) return error.message;
    throw error;
  };
  const ofProcess = await readProcessConfig(definition, env).then(() => '', problem);
  return ofProcess || (await (async () => definition.module(env))().then(() => '', problem));
}

/**
 * The settings with what is mounted in a container replaced by the files it is mounted from.
 *
 * @param mounts  path inside to path outside, files and folders
 */
export function outside(env: Environment, mounts: ReadonlyMap<string, string>): Environment {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, locate(value, mounts)]));
}

function locate(value: string, mounts: ReadonlyMap<string, string>): string {
  for (const [inside, file] of mounts) {
    if (value === inside) return file;
    if (value.startsWith(`${inside}/`)) return join(file, value.slice(inside.length));
  }
  return value;
}
