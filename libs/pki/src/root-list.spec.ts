import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock, systemClock } from '#libs/clock';
import type { Authority } from './authority.js';
import { ceremony } from './ceremony.js';
import { readCrl } from './crl-reader.js';
import { renewRootCrl } from './root-list.js';

const DAY_MS = 86_400_000;

describe('the root’s list', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-root-list-'));
  const daysAgo = (days: number) => {
    const clock = new Clock();
    clock.set(-days * DAY_MS);
    return clock;
  };
  let authority: Authority;

  beforeAll(async () => {
    const keys = { root: 'p-384', issuing: 'p-384', card: 'p-256' } as const;
    authority = await ceremony({ dir, publicUrl: 'http://ca.example', clock: daysAgo(100), keys, log: () => {} });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is renewed in the second half of its life, under the next number, as openssl confirms', async () => {
    expect(await renewRootCrl(authority, daysAgo(20))).toBe(false);
    expect(await renewRootCrl(authority, systemClock())).toBe(true);
    const list = await readCrl(authority.rootCrlFile);
    expect(list.number).toBe(2n);
    expect((list.nextUpdate.getTime() - list.thisUpdate.getTime()) / DAY_MS).toBe(180);
    const root = join(dir, 'root.pem');
    writeFileSync(root, authority.root.pem);
    const args = ['crl', '-inform', 'DER', '-in', authority.rootCrlFile, '-CAfile', root, '-noout', '-verify'];
    expect(() => execFileSync('openssl', args, { stdio: 'pipe' })).not.toThrow();
    expect(await renewRootCrl(authority, systemClock())).toBe(false);
  });

  it('is not replaced when what is there is not the root’s', async () => {
    writeFileSync(authority.rootCrlFile, 'something else');
    await expect(renewRootCrl(authority, systemClock())).rejects.toMatchObject({ code: 'crlMalformed' });
  });
});
