import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { databaseSettings, databaseUrlOf } from './database-settings.js';
import { openConfig } from './read-config.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = (content: string) => {
  const path = join(dir, 'password');
  writeFileSync(path, content);
  return path;
};
const read = async (DATABASE_URL: string, password?: string) => {
  const env = { DATABASE_URL, ...(password !== undefined && { KAIKA_DATABASE_PASSWORD_FILE: file(password) }) };
  return databaseUrlOf(await openConfig(z.object(databaseSettings), env));
};

describe('the address of the database', () => {
  it('gets its password from a file, whatever characters are in it', async () => {
    expect(await read('postgres://me@db:5432/kaika', 'a/b@c:d%e?\n')).toBe(
      `postgres://me:${encodeURIComponent('a/b@c:d%e?')}@db:5432/kaika`,
    );
    expect(await read('postgres://me:own@db/kaika')).toBe('postgres://me:own@db/kaika');
  });

  it('with a password and a file of one is refused, and neither is shown', async () => {
    const error = await read('postgres://me:sesame@db/kaika', 'sesame').catch((caught: Error) => caught.message);
    expect(error).toContain('KAIKA_DATABASE_PASSWORD_FILE: is set, and');
    expect(error).not.toContain('sesame');
  });

  it('needs a file with one line', async () => {
    for (const bad of ['', '\n', 'sesame\nopen\n']) {
      const error = await read('postgres://me@db/kaika', bad).catch((caught: Error) => caught.message);
      expect(error).toContain('KAIKA_DATABASE_PASSWORD_FILE: cannot be used: ');
      expect(error).not.toContain('sesame');
    }
  });
});
