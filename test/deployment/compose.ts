import { readFileSync } from 'node:fs';
import { load, YAML11_SCHEMA } from 'js-yaml';
import type { Environment } from './settings.js';

export interface ComposeService {
  image: string;
  build?: { dockerfile: string; target?: string; args?: Record<string, string> };
  user?: string;
  read_only?: boolean;
  restart?: string;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: Environment;
  secrets?: (string | { source: string; target: string })[];
  volumes?: string[];
  networks?: string[];
  ports?: string[];
  profiles?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  secrets: Record<string, { file: string }>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, unknown>;
}

/** The file with its anchors and merges resolved, variables not. */
export const readCompose = (): ComposeFile =>
  load(readFileSync('docker-compose.yml', 'utf8'), { schema: YAML11_SCHEMA }) as ComposeFile;

/** `${NAME:-default}` and `${NAME:+then}` as compose reads them; `$$` is a dollar. */
export function interpolated(value: unknown, env: Environment): string {
  return String(value).replace(
    /\$\$|\$\{([A-Z0-9_]+)(:[-+])([^}]*)\}/g,
    (found, name: string | undefined, kind: string, text: string) => {
      if (!name) return found === '$$' ? '$' : found;
      return kind === ':-' ? env[name] || text : env[name] ? text : '';
    },
  );
}

/** What a service's secrets are inside, and the files they are made from. */
export function mountsOf(compose: ComposeFile, service: string, env: Environment): Map<string, string> {
  return new Map(
    (compose.services[service]!.secrets ?? []).map((secret) => {
      const { source, target } =
        typeof secret === 'string' ? { source: secret, target: `/run/secrets/${secret}` } : secret;
      return [target, interpolated(compose.secrets[source]!.file, env)];
    }),
  );
}

export const environmentOf = (compose: ComposeFile, service: string, env: Environment): Environment =>
  Object.fromEntries(
    Object.entries(compose.services[service]!.environment ?? {}).map(([name, value]) => [
      name,
      interpolated(value, env),
    ]),
  );
