import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { ConfigError, opened, postgresUrl } from './read-config.js';

/** What a password's file holds, without the line's end. @throws Error naming the file, never showing what is in it */
export function readPasswordFile(path: string): string {
  const [password, ...rest] = readFileSync(path, 'utf8').trimEnd().split('\n');
  if (!password || rest.length > 0) throw new Error(`${path} must hold one line, the password`);
  return password;
}

/** To be spread into the settings of a service with a database; `databaseUrlOf` puts the two together. */
export const databaseSettings = {
  /** The service's application role, on its own schema. */
  DATABASE_URL: postgresUrl(),
  /** The password, when it is not in DATABASE_URL. */
  KAIKA_DATABASE_PASSWORD_FILE: opened(readPasswordFile).optional(),
};

/** The same for the owner role, which changes the schema. */
export const ownerSettings = {
  KAIKA_DATABASE_OWNER_URL: postgresUrl(),
  KAIKA_DATABASE_OWNER_PASSWORD_FILE: opened(readPasswordFile).optional(),
};

/** @throws ConfigError when there are two passwords */
export function databaseUrlOf(read: z.output<z.ZodObject<typeof databaseSettings>>): string {
  return withPassword(read.DATABASE_URL, read.KAIKA_DATABASE_PASSWORD_FILE, 'KAIKA_DATABASE_PASSWORD_FILE');
}

/** @throws ConfigError when there are two passwords */
export function ownerUrlOf(read: z.output<z.ZodObject<typeof ownerSettings>>): string {
  const { KAIKA_DATABASE_OWNER_URL: url, KAIKA_DATABASE_OWNER_PASSWORD_FILE: password } = read;
  return withPassword(url, password, 'KAIKA_DATABASE_OWNER_PASSWORD_FILE');
}

function withPassword(url: string, password: string | undefined, variable: string): string {
  if (password === undefined) return url;
  const parts = new URL(url);
  if (parts.password !== '') {
    throw new ConfigError([{ variable, problem: 'is set, and the address of the database has a password too' }]);
  }
  parts.password = encodeURIComponent(password);
  return parts.toString();
}
