import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '#libs/config';
import { SERVICE_ISSUER } from '#libs/doors';
import type { ServiceDefinition } from './create-service.js';
import { readProcessConfig } from './process.config.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-process-'));
afterAll(() => rmSync(dir, { recursive: true }));
const keys = join(dir, 'jwks.json');
writeFileSync(keys, '{}');

class Some1764000000000 {}
const withDatabase: ServiceDefinition = {
  name: 'things',
  port: 3009,
  migrations: [Some1764000000000],
  module: undefined!,
};
const without: ServiceDefinition = { ...withDatabase, migrations: [] };
const good = {
  KAIKA_TOKEN_ISSUER: 'x',
  KAIKA_JWKS_FILE: keys,
  KAIKA_SERVICE_JWKS_FILE: keys,
  DATABASE_URL: 'postgres://db/x',
};

const refusal = async (env: NodeJS.ProcessEnv, definition = without) => {
  const error = await readProcessConfig(definition, env).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('it would have started');
  return error.problems.map(({ variable }) => variable).sort();
};

describe('the settings of a process', () => {
  it('have defaults: its own port, on this machine alone, its figures on that port too', async () => {
    expect(await readProcessConfig(withDatabase, good)).toEqual({
      trustProxy: false,
      ...{ port: 3009, host: '127.0.0.1', metricsPort: undefined, logLevel: 'info' },
      tokens: { issuer: 'x', jwksFile: keys, jwksUrl: undefined, serviceJwksFile: keys },
      databaseUrl: 'postgres://db/x',
      throwaway: undefined,
    });
    expect((await readProcessConfig(without, good)).databaseUrl).toBeUndefined();
  });

  it('are refused with the name of every wrong variable at once', async () => {
    const wrong = {
      PORT: 'x',
      KAIKA_HOST: 'x',
      KAIKA_METRICS_PORT: '65536',
      KAIKA_LOG_LEVEL: 'loud',
      DATABASE_URL: 'x',
    };
    expect(await refusal(wrong, withDatabase)).toEqual([
      ...['DATABASE_URL', 'KAIKA_HOST', 'KAIKA_JWKS_FILE', 'KAIKA_LOG_LEVEL', 'KAIKA_METRICS_PORT'],
      ...['KAIKA_SERVICE_JWKS_FILE', 'KAIKA_TOKEN_ISSUER', 'PORT'],
    ]);
    expect(await refusal({ ...good, PORT: '4000', KAIKA_METRICS_PORT: '4000' })).toEqual(['KAIKA_METRICS_PORT']);
  });

  it('trust the keys of an identity provider that can be had, and no provider that calls itself a service', async () => {
    const absent = { ...good, KAIKA_JWKS_FILE: join(dir, 'absent') };
    expect(await refusal(absent)).toEqual(['KAIKA_JWKS_FILE']);
    const { tokens } = await readProcessConfig(without, { ...absent, KAIKA_JWKS_URL: 'https://identity.example/jwks' });
    expect(tokens.jwksUrl).toBe('https://identity.example/jwks');
    expect(await refusal({ ...good, KAIKA_TOKEN_ISSUER: SERVICE_ISSUER })).toEqual(['KAIKA_TOKEN_ISSUER']);
  });

  it('let a clock be moved on this machine alone, and never in production', async () => {
    const clock = { KAIKA_THROWAWAY: 'true', KAIKA_THROWAWAY_CLOCK_FILE: join(dir, 'clock.json') };
    expect((await readProcessConfig(without, { ...good, ...clock })).throwaway).toEqual({
      clockFile: join(dir, 'clock.json'),
    });
    expect(await refusal({ ...good, ...clock, NODE_ENV: 'production' })).toEqual(['KAIKA_THROWAWAY']);
    expect(await refusal({ ...good, ...clock, KAIKA_HOST: '0.0.0.0' })).toEqual(['KAIKA_HOST']);
    expect(await refusal({ ...good, ...clock, KAIKA_THROWAWAY: 'false' })).toEqual(['KAIKA_THROWAWAY_CLOCK_FILE']);
  });
});
