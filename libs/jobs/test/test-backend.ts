import { describe } from '@jest/globals';
import { provision, type TestDatabase } from '#libs/database';
import { type JobsBackend, prepareJobs } from '#libs/jobs';
import { redisHere } from '../../../deploy/stack/test-parts.js';
import { TestRedis } from './test-redis.js';

/** A real backend of one test file. */
export interface TestBackend {
  start(): Promise<void>;
  close(): Promise<void>;
  /** Once it is started. */
  backend(): JobsBackend;
  /** Out of reach, and back again on the same port. Redis has lost everything meanwhile. */
  away(): Promise<void>;
  back(): Promise<void>;
}

/** The same suite on PostgreSQL and on Redis; the latter is skipped, saying so, where there is no redis-server. */
export function onEachBackend(title: string, database: TestDatabase, suite: (on: TestBackend) => void): void {
  describe(`${title} on PostgreSQL`, () => suite(onPostgres(database)));
  redisHere.describe(`${title} on Redis`, () => suite(onRedis(new TestRedis())));
}

function onPostgres(database: TestDatabase): TestBackend {
  let url = '';
  return {
    start: async () => {
      const urls = await provision(database.url, 'jobs', { owner: 'o', app: 'a' });
      await Promise.all([prepareJobs(urls.ownerUrl), prepareJobs(urls.ownerUrl)]);
      url = urls.appUrl;
    },
    close: async () => {},
    backend: () => ({ kind: 'postgres', url }),
    away: () => database.server.stop(),
    back: () => database.restart(),
  };
}

function onRedis(redis: TestRedis): TestBackend {
  return {
    start: () => redis.start(),
    close: () => redis.close(),
    backend: () => ({ kind: 'redis', url: redis.url }),
    away: () => redis.kill(),
    back: () => redis.start(),
  };
}
