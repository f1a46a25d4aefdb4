import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { type RunningProcess, startProcess } from '#libs/host';
import { redisHere } from '../../../deploy/stack/test-parts.js';
import { TestRedis } from '../../../libs/jobs/test/test-redis.js';
import { crlPublisher } from './index.js';
import { eventually, PublisherFixture, silent } from './publisher.fixture.js';
import { PublisherService } from './publisher-service.fixture.js';

redisHere.describe('the crl-publisher’s process', () => {
  const database = withTestDatabase();
  const at = new PublisherFixture(database);
  const redis = new TestRedis();
  const standstills: string[] = [];
  let running: RunningProcess;

  beforeAll(async () => {
    await at.start();
    const { env } = await PublisherService.settings(at, database);
    await redis.start();
    await redis.kill(); // its address is known, and nobody is there
    const module = await crlPublisher.module({ ...env, KAIKA_JOBS_URL: '', REDIS_URL: redis.url });
    const files = { jwksFile: join(at.dir, 'jwks.json'), serviceJwksFile: join(at.dir, 'jwks.json') };
    const config = {
      ...{ port: 0, host: '127.0.0.1', metricsPort: undefined, logLevel: 'silent', trustProxy: false as const },
      ...{ tokens: { issuer: 'http://issuer.example', ...files }, databaseUrl: env.DATABASE_URL },
      ...{ tracesTo: undefined, throwaway: undefined },
    };
    const onStandstill = (reason: string) => void standstills.push(reason);
    running = await startProcess(crlPublisher, config, module, { log: silent, onStandstill });
  }, 120_000);
  afterAll(async () => {
    await running.stop();
    await redis.close();
    await at.stop();
    expect(standstills).toEqual([]);
  });

  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${running.port}${path}`)).status;
  const schedulers = async () => ((await redis.command('KEYS', 'kaika:crl-publisher:repeat')) as string[]).length;
  const isReady = async () => expect([await statusOf('/readyz'), await statusOf('/api/v1/crls/next')]).toEqual([200, 200]); // prettier-ignore

  it('is ready without Redis, uses it when it comes, and stays ready when it goes again', async () => {
    await running.serving;
    await isReady();
    await redis.start();
    await eventually(async () => expect(await schedulers()).toBe(1));
    await isReady();
    await redis.kill();
    await isReady();
  });
});
