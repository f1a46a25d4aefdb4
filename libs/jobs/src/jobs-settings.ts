import { z } from 'zod';
import { ConfigError, opened, postgresUrl, readPasswordFile } from '#libs/config';
import type { JobsBackend } from './backend.js';

const redisUrl = () =>
  z
    .url({ protocol: /^rediss?$/, message: 'is not the address of a Redis (redis://… or rediss://…)', abort: true })
    .refine((url) => new URL(url).password === '', 'has a password in it: use KAIKA_REDIS_PASSWORD_FILE')
    .refine((url) => /^\/?\d*$/.test(new URL(url).pathname), 'has a path that is no database number');

/** To be spread into a service's settings; what they come to is told by `jobsOf`. */
export const jobsSettings = {
  KAIKA_JOBS_URL: postgresUrl().optional(),
  REDIS_URL: redisUrl().optional(),
  KAIKA_REDIS_PASSWORD_FILE: opened(readPasswordFile).optional(),
};

/** @throws ConfigError unless exactly one of `KAIKA_JOBS_URL` and `REDIS_URL` is set, and a password with Redis only */
export function jobsOf(read: z.output<z.ZodObject<typeof jobsSettings>>): JobsBackend {
  const { KAIKA_JOBS_URL, REDIS_URL, KAIKA_REDIS_PASSWORD_FILE } = read;
  if ((KAIKA_JOBS_URL === undefined) === (REDIS_URL === undefined)) {
    const problem = `is ${REDIS_URL ? '' : 'not '}set: jobs need exactly one, KAIKA_JOBS_URL or REDIS_URL`;
    throw new ConfigError(['KAIKA_JOBS_URL', 'REDIS_URL'].map((variable) => ({ variable, problem })));
  }
  if (REDIS_URL !== undefined)
    return {
      kind: 'redis',
      url: REDIS_URL,
      ...(KAIKA_REDIS_PASSWORD_FILE !== undefined && { password: KAIKA_REDIS_PASSWORD_FILE }),
    };
  if (KAIKA_REDIS_PASSWORD_FILE !== undefined)
    throw new ConfigError([{ variable: 'KAIKA_REDIS_PASSWORD_FILE', problem: 'is set, and REDIS_URL is not' }]);
  return { kind: 'postgres', url: KAIKA_JOBS_URL! };
}
