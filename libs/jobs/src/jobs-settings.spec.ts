import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, openConfig } from '#libs/config';
import { jobsOf, jobsSettings } from './index.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-jobs-'));
const file = join(dir, 'password');
writeFileSync(file, 'sesame\n');
const empty = join(dir, 'empty');
writeFileSync(empty, '\n');
afterAll(() => rmSync(dir, { recursive: true }));

const read = async (env: NodeJS.ProcessEnv) => jobsOf(await openConfig(z.object(jobsSettings), env));
const POSTGRES = 'postgres://a:b@127.0.0.1/kaika';

async function refused(env: NodeJS.ProcessEnv): Promise<string[]> {
  const error = await read(env).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('it would have started', { cause: error });
  expect(error.message).not.toContain('sesame');
  return error.problems.map(({ variable }) => variable);
}

describe('the settings of jobs', () => {
  it('are PostgreSQL or Redis', async () => {
    expect(await read({ KAIKA_JOBS_URL: POSTGRES })).toEqual({ kind: 'postgres', url: POSTGRES });
    const url = 'rediss://kaika@redis.example:6380/3';
    expect(await read({ REDIS_URL: url })).toEqual({ kind: 'redis', url });
    const env = { REDIS_URL: url, KAIKA_REDIS_PASSWORD_FILE: file };
    expect(await read(env)).toEqual({ kind: 'redis', url, password: 'sesame' });
  });

  it('are exactly one of them', async () => {
    const both = ['KAIKA_JOBS_URL', 'REDIS_URL'];
    expect(await refused({})).toEqual(both);
    expect(await refused({ KAIKA_JOBS_URL: POSTGRES, REDIS_URL: 'redis://127.0.0.1' })).toEqual(both);
    expect(await refused({ KAIKA_JOBS_URL: POSTGRES, KAIKA_REDIS_PASSWORD_FILE: file })).toEqual([
      'KAIKA_REDIS_PASSWORD_FILE',
    ]);
  });

  it('have the password in a file, and nowhere else', async () => {
    for (const url of ['redis://:sesame@127.0.0.1', 'redis://127.0.0.1/sesame', 'http://127.0.0.1', 'sesame'])
      expect(await refused({ REDIS_URL: url })).toEqual(['REDIS_URL']);
    for (const path of [join(dir, 'none'), empty])
      expect(await refused({ REDIS_URL: 'redis://127.0.0.1', KAIKA_REDIS_PASSWORD_FILE: path })).toEqual([
        'KAIKA_REDIS_PASSWORD_FILE',
      ]);
  });
});
