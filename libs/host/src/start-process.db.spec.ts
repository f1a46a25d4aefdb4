import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { Clock, sleep } from '#libs/clock';
import { DatabaseModule, migrate, provision, withTestDatabase } from '#libs/database';
import { Endpoint } from '#libs/doors';
import type { ServiceDefinition } from './create-service.js';
import { createLogger } from './logger.js';
import { migrateService } from './migrate-service.js';
import { readProcessConfig } from './process.config.js';
import { type RunningProcess, startProcess } from './start-process.js';
import { keepOffset } from './throwaway-clock.js';

class First1764000000001 implements MigrationInterface {
  up = (runner: QueryRunner) => runner.query('create table thing (n int)');
  down = (runner: QueryRunner) => runner.query('drop table thing');
}
class Second1764000000002 implements MigrationInterface {
  up = (runner: QueryRunner) => runner.query('insert into thing values (7)');
  down = (runner: QueryRunner) => runner.query('delete from thing');
}

/** Requests to `/slow` wait for it. */
let gate: Promise<void> = Promise.resolve();
let arrived = () => {};

@Controller('api/v1/things')
class ThingsController {
  constructor(
    private readonly source: DataSource,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get('count')
  @Endpoint({ allow: 'anyone', summary: 'Count' })
  count() {
    return this.source.query('select count(*)::int as n from thing');
  }

  @Get('slow')
  @Endpoint({ allow: 'anyone', summary: 'Count, slowly' })
  async slow() {
    arrived();
    await gate;
    return this.count();
  }

  @Get('time')
  @Endpoint({ allow: 'anyone', summary: 'The time' })
  time() {
    return { now: this.clock.now().toISOString() };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

describe('a service as a process of its own', () => {
  const database = withTestDatabase();
  const dir = mkdtempSync(join(tmpdir(), 'kaika-process-'));
  const keys = join(dir, 'jwks.json');
  writeFileSync(keys, '{"keys":[]}');
  const logged: string[] = [];
  const processes: RunningProcess[] = [];
  afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.stop()));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const definition: ServiceDefinition = {
    name: 'things',
    port: 0,
    migrations: [First1764000000001, Second1764000000002],
    module: (env) => ({
      module: ThingsModule,
      imports: [DatabaseModule.forService({ appUrl: env['DATABASE_URL']!, schema: 'things' })],
    }),
  };
  const urls = () => provision(database.url, 'things', { owner: 'owner', app: 'app' });
  async function start(settings: NodeJS.ProcessEnv = {}): Promise<RunningProcess & { base: string }> {
    const env = {
      ...{ KAIKA_TOKEN_ISSUER: 'x', KAIKA_JWKS_FILE: keys, KAIKA_SERVICE_JWKS_FILE: keys },
      ...(!settings['DATABASE_URL'] && { DATABASE_URL: (await urls()).appUrl }),
      ...settings,
    };
    const config = await readProcessConfig(definition, env);
    const module = await definition.module(env);
    const log = createLogger('info', { write: (line: string) => void logged.push(line) });
    const running = await startProcess(definition, config, module, { log, onStandstill: () => {} });
    processes.push(running);
    running.serving.catch(() => {});
    return { ...running, base: `http://127.0.0.1:${running.port}` };
  }
  const get = async (url: string) => {
    const response = await fetch(url);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  async function until(url: string, status: number) {
    for (const end = performance.now() + 20_000; ; await sleep(20)) {
      const answer = await get(url);
      if (answer.status === status || performance.now() > end) return answer;
    }
  }
  const migrated = async () => {
    const told: string[] = [];
    const env = { KAIKA_DATABASE_OWNER_URL: (await urls()).ownerUrl };
    await migrateService(definition, env, (line) => told.push(line));
    return told;
  };

  it('is alive before its database is there, and serves once it is migrated', async () => {
    const { appUrl } = await urls();
    await database.server.stop();
    const { base, serving } = await start({ DATABASE_URL: appUrl });
    expect((await get(`${base}/healthz`)).status).toBe(200);
    expect(await get(`${base}/readyz`)).toEqual({
      status: 503,
      body: { database: 'no answer', migrations: 'unknown', http: 'starting' },
    });
    expect(await get(`${base}/api/v1/things/count`)).toMatchObject({ status: 503, body: { type: 'urn:kaika:error:starting' } }); // prettier-ignore
    await database.restart();
    expect((await get(`${base}/readyz`)).body).toMatchObject({ database: 'answers', migrations: '2 not applied' });

    await migrate({ ownerUrl: (await urls()).ownerUrl, schema: 'things', migrations: [First1764000000001] });
    expect((await get(`${base}/readyz`)).body).toMatchObject({ migrations: '1 not applied' });
    expect(await migrated()).toEqual(['things: applied Second1764000000002', 'things: up to date']);
    expect(await migrated()).toEqual(['things: nothing to apply, up to date']);
    await serving;
    expect(logged.join('')).toMatch(/waiting for the database: /);
    expect(await get(`${base}/readyz`)).toEqual({
      status: 200,
      body: { database: 'answers', migrations: 'applied', http: 'serving' },
    });
    expect((await get(`${base}/api/v1/things/count`)).body).toEqual([{ n: 1 }]);
  }, 60_000);

  it('is not ready while its database is away, and is again when it comes back', async () => {
    const { base, serving } = await start();
    await serving;
    await database.server.stop();
    expect(await get(`${base}/readyz`)).toMatchObject({
      status: 503,
      body: { database: 'no answer', http: 'serving' },
    });
    expect((await get(`${base}/healthz`)).status).toBe(200);
    await database.restart();
    expect((await until(`${base}/readyz`, 200)).status).toBe(200);
    expect((await get(`${base}/api/v1/things/count`)).status).toBe(200);
  }, 60_000);

  it('answers many who ask whether it is ready over one connection', async () => {
    const { base, serving } = await start();
    await serving;
    const answers = await Promise.all(Array.from({ length: 100 }, () => get(`${base}/readyz`)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('gives a request under way its whole answer when it is stopped, and only then closes the database', async () => {
    const { base, serving, stop } = await start();
    await serving;
    let go = () => {};
    gate = new Promise((done) => (go = done));
    const came = new Promise<void>((done) => (arrived = done));
    const answer = get(`${base}/api/v1/things/slow`);
    await came;
    const stopped = stop();
    await expect(fetch(`${base}/healthz`)).rejects.toThrow();
    go();
    expect(await answer).toEqual({ status: 200, body: [{ n: 1 }] });
    await stopped;
  });

  it('has its figures on a port of their own when it is told so', async () => {
    const { base, metricsPort, serving } = await start({ KAIKA_METRICS_PORT: '0' });
    await serving;
    expect((await fetch(`${base}/metrics`)).status).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toContain(
      'process_cpu_seconds_total',
    );
    expect((await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).status).toBe(404);
    const together = await start();
    expect((await fetch(`${together.base}/metrics`)).status).toBe(200);
  });

  it('has a clock that can be moved only when it is thrown away, and begins where it was left', async () => {
    const clockFile = join(dir, 'clock.json');
    const dayMs = 86_400_000;
    keepOffset(clockFile, -10 * dayMs);
    const { base, serving } = await start({ KAIKA_THROWAWAY: 'true', KAIKA_THROWAWAY_CLOCK_FILE: clockFile });
    await serving;
    const lag = async () =>
      new Clock().nowMs() - Date.parse((await get(`${base}/api/v1/things/time`)).body['now'] as string);
    const move = async (offsetMs: number, to = base) => {
      const at = new Date(new Clock().nowMs() + offsetMs).toISOString();
      const body = JSON.stringify({ at });
      return (await fetch(`${to}/throwaway/clock`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })).status; // prettier-ignore
    };
    expect(Math.round((await lag()) / dayMs)).toBe(10);
    expect(await move(-5 * dayMs)).toBe(204);
    expect(Math.round((await lag()) / dayMs)).toBe(5);
    expect(await move(-6 * dayMs)).toBe(400);
    expect(await move(dayMs)).toBe(400);
    expect(Math.round((await lag()) / dayMs)).toBe(5);
    const real = await start();
    await real.serving;
    expect(await move(-dayMs, real.base)).toBe(404);
  });
});
