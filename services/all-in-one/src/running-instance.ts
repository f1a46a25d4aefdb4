import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureKeyPair } from '#libs/credentials';
import { readAllInOneConfig } from './all-in-one.config.js';
import { type DemoUser, demoToken } from './demo-users.js';

/** The instance that runs on DATA_DIR, as the operator's tools see it: over HTTP, as one of its demo users. */
export interface RunningInstance {
  token(user: DemoUser): Promise<string>;
  /** @param path below /api/v1 @throws Error saying what the instance answered */
  ask<T>(user: DemoUser, method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>;
}

/** @throws Error when none runs */
export function runningInstance(env: NodeJS.ProcessEnv): RunningInstance {
  const { DATA_DIR } = readAllInOneConfig(env);
  const file = join(DATA_DIR, 'instance.json');
  if (!existsSync(file)) throw new Error(`no instance runs on ${DATA_DIR}: npm start, or set DATA_DIR`);
  const { url, issuer } = JSON.parse(readFileSync(file, 'utf8')) as { url: string; issuer: string };
  const token = async (user: DemoUser) =>
    demoToken(await ensureKeyPair(join(DATA_DIR, 'secrets', 'issuer.jwk'), 'Ed25519'), issuer, user);
  return {
    token,
    ask: async <T>(user: DemoUser, method: 'GET' | 'POST', path: string, body?: unknown) => {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${await token(user)}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).catch((cause: unknown) => {
        throw new Error(`the instance on ${DATA_DIR} does not answer at ${url}`, { cause });
      });
      const answer = (await response.json()) as T & { title?: string; detail?: string };
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.detail || answer.title}`);
      return answer;
    },
  };
}
