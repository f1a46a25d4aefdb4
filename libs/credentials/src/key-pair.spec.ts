import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ensureKeyPair, readKeyPair } from './index.js';

describe('a key pair that is there', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-keys-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'own.jwk');

  it('is read without anything being written: a mounted secret has no public half beside it', async () => {
    await expect(readKeyPair(path, 'P-256')).rejects.toThrow(path);
    const made = await ensureKeyPair(path, 'P-256');
    rmSync(`${path}.pub`);
    const read = await readKeyPair(path, 'P-256');
    expect(read.kid).toBe(made.kid);
    expect(readdirSync(dir)).toEqual(['own.jwk']);
    await expect(readKeyPair(path, 'Ed25519')).rejects.toThrow(`${path} is not a Ed25519 key`);
  });
});
