import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { edgeConfig } from '../edge/nginx.js';
import type { ApiDocument } from '../edge/route-table.js';
import type { Program } from './supervised.js';

export interface EdgeOptions {
  /** Configuration, log and temporary files. */
  dir: string;
  /** Of 127.0.0.1. */
  port: number;
  /** Of the services, by name. */
  ports: Readonly<Record<string, number>>;
  /** Where `PUT /throwaway/clock` goes. */
  clockPort?: number | undefined;
  env: NodeJS.ProcessEnv;
}

/** nginx with the route table that the services' own API document is. @throws Error saying how to get nginx */
export function edgeProgram({ dir, port, ports, clockPort, env }: EdgeOptions): Program {
  const command = findNginx(env);
  if (!command) throw new Error(MISSING);
  mkdirSync(dir, { recursive: true });
  const document = JSON.parse(readFileSync(join(import.meta.dirname, API_DOCUMENT), 'utf8')) as ApiDocument;
  const config = edgeConfig({
    document,
    upstreams: Object.fromEntries(Object.entries(ports).map(([name, its]) => [name, `127.0.0.1:${its}`])),
    listen: { plain: `127.0.0.1:${port}` },
    ...(clockPort && { throwawayClock: `127.0.0.1:${clockPort}` }),
  });
  // One process and no master: a kill ends all of it.
  const file = join(dir, 'nginx.conf');
  writeFileSync(file, config);
  return {
    name: 'edge',
    command,
    args: ['-p', dir, '-e', 'stderr', '-c', file, '-g', 'daemon off; master_process off;'],
    env: { PATH: env['PATH'] },
    ready: async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.status === 200,
  };
}

/** From dist/deploy/distributed. */
const API_DOCUMENT = '../../../docs/openapi.json';

const MISSING = 'the edge needs nginx: apt-get install nginx-light (or brew install nginx)';

/** Why there can be no edge here; undefined where there can. */
export const nginxUnavailable = (env = process.env): string | undefined => (findNginx(env) ? undefined : MISSING);

function findNginx({ PATH = '' }: NodeJS.ProcessEnv): string | undefined {
  const folders = [...PATH.split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
  return folders.map((folder) => join(folder, 'nginx')).find((file) => existsSync(file));
}
