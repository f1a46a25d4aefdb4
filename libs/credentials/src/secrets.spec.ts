import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SignJWT, jwtVerify } from 'jose';
import { CodeHasher } from './code-hasher.js';
import { ensureKeyPair, readPublicJwk } from './key-pair.js';
import { Pepper } from './pepper.js';
import { openSealed, parseSecretJson } from './sealed.js';
import { createOnce, ensureSecretFile, ensureSecretKey, readSecretFile } from './secret-file.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-secrets-'));
const mode = (path: string) => statSync(path).mode & 0o777;
const shown = (value: unknown) =>
  inspect(value, { depth: 10, showHidden: true, getters: true }) + JSON.stringify(value) + String(value);

describe('a secret file', () => {
  it('is made once, 32 octets that only its owner reads, and leaves nothing beside it', () => {
    const path = join(dir, 'made', 'pepper');
    const secret = ensureSecretFile(path);
    expect(secret).toHaveLength(32);
    expect(mode(path)).toBe(0o600);
    expect(ensureSecretFile(path)).toEqual(secret);
    expect(readdirSync(join(dir, 'made'))).toEqual(['pepper']);
  });

  it('is refused by name when it has another length, and never replaced', () => {
    const path = join(dir, 'short');
    writeFileSync(path, 'hunter2');
    expect(() => ensureSecretFile(path)).toThrow(`${path} must hold 32 octets`);
    expect(readFileSync(path, 'utf8')).toBe('hunter2');
    expect(() => readSecretFile(join(dir, 'absent'))).toThrow('absent');
  });
});

describe('two processes that make a file at once', () => {
  it('keep the first one’s', () => {
    const path = join(dir, 'first');
    createOnce(path, () => {
      writeFileSync(path, 'of the quicker process');
      return 'of the slower one';
    });
    expect(readFileSync(path, 'utf8')).toBe('of the quicker process');
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a key pair', () => {
  it.each(['P-256', 'Ed25519'] as const)('%s keeps its private half to its owner', async (curve) => {
    const path = join(dir, `pair-${curve}`);
    const pair = await ensureKeyPair(path, curve);
    expect(mode(path)).toBe(0o600);
    expect((await ensureKeyPair(path, curve)).kid).toBe(pair.kid);
    expect(pair.publicJwk).not.toHaveProperty('d');
    expect(readFileSync(`${path}.pub`, 'utf8')).not.toContain('"d"');
    await expect(readPublicJwk(`${path}.pub`)).resolves.toEqual(pair.publicJwk);
    // Also by mistake, from the private file.
    await expect(readPublicJwk(path)).resolves.toEqual(pair.publicJwk);
  });

  it('agrees with itself when made twice at once, and mends a lost public half', async () => {
    const path = join(dir, 'race');
    const pairs = await Promise.all(Array.from({ length: 5 }, () => ensureKeyPair(path)));
    expect(new Set(pairs.map(({ kid }) => kid)).size).toBe(1);
    writeFileSync(`${path}.pub`, 'torn');
    await ensureKeyPair(path);
    await expect(readPublicJwk(`${path}.pub`)).resolves.toEqual(pairs[0]!.publicJwk);
  });

  it('of Ed25519 signs what its public half verifies', async () => {
    const pair = await ensureKeyPair(join(dir, 'jobs'), 'Ed25519');
    const token = await new SignJWT({ session: 's' }).setProtectedHeader({ alg: 'EdDSA' }).sign(pair.privateKey);
    await expect(jwtVerify(token, pair.publicJwk)).resolves.toMatchObject({ payload: { session: 's' } });
  });

  it('of another curve, or no key at all, is refused by name without its content', async () => {
    await ensureKeyPair(join(dir, 'p256'));
    await expect(ensureKeyPair(join(dir, 'p256'), 'Ed25519')).rejects.toThrow('p256 is not a Ed25519 key');
    const contents = [
      'hunter2',
      '{"d":"hunter2"}',
      '{"kty":"EC","crv":"P-256","x":"hunter2","y":"A","d":"hunter2"}',
      '{}',
      'null',
    ];
    for (const [i, content] of contents.entries()) {
      const path = join(dir, `bad-${i}`);
      writeFileSync(path, content);
      chmodSync(path, 0o600);
      const error = await ensureKeyPair(path).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expect(shown(error)).toContain(path);
      expect(shown(error)).not.toContain('hunter2');
      expect(existsSync(`${path}.pub`)).toBe(false);
    }
  });
});

describe('what holds a secret', () => {
  it('shows nothing of it when logged', async () => {
    const path = join(dir, 'shown');
    const secret = ensureSecretFile(path);
    const pepper = Pepper.read(path);
    const pair = await ensureKeyPair(join(dir, 'shown-pair'));
    const d = (JSON.parse(readFileSync(join(dir, 'shown-pair'), 'utf8')) as { d: string }).d;
    const log = [pepper, new CodeHasher(pepper), ensureSecretKey(path), pair, { pair }].map(shown).join('\n');
    const bytes = [...secret.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0'));
    for (const form of [
      d,
      Buffer.from(d, 'base64url').toString('hex'),
      secret.toString('hex'),
      secret.toString('base64'),
      secret.toString('base64url'),
      bytes.join(' '),
      [...secret.subarray(0, 4)].join(','),
    ]) {
      expect(log).not.toContain(form);
    }
  });

  it('says nothing of a secret in an error', async () => {
    const hasher = new CodeHasher(new Pepper(Buffer.alloc(32)));
    const pair = await ensureKeyPair(join(dir, 'errors'));
    const errors = await Promise.all([
      hasher.verify('hunter2', 'hunter2').catch((e: unknown) => e),
      openSealed(pair, { ciphertext: 'hunter2' }, 'hunter2').catch((e: unknown) => e),
      Promise.resolve()
        .then(() => parseSecretJson(Buffer.from('{"code": hunter2}')))
        .catch((e: unknown) => e),
      Promise.resolve()
        .then(() => new Pepper(Buffer.from('hunter2')))
        .catch((e: unknown) => e),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error);
      expect(shown(error)).not.toContain('hunter2');
    }
  });
});

describe('secretHash', () => {
  const pepper = new Pepper(Buffer.alloc(32, 1));

  it('does not depend on the order of members, and differs for every other body', () => {
    expect(pepper.secretHash({ a: 1, b: { c: 2, d: 3 } })).toBe(pepper.secretHash({ b: { d: 3, c: 2 }, a: 1 }));
    expect(pepper.secretHash({ a: 1, b: undefined })).toBe(pepper.secretHash({ a: 1 }));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, two) => {
        const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(two));
        expect(pepper.secretHash(one) === pepper.secretHash(two)).toBe(same);
      }),
    );
  });

  it('can’t be computed without the pepper, and is no code’s HMAC', () => {
    const body = { userCode: 'abc123' };
    expect(pepper.secretHash(body)).not.toBe(new Pepper(Buffer.alloc(32, 2)).secretHash(body));
    const bare = createHmac('sha256', Buffer.alloc(32, 1)).update('"abc123"').digest('base64url');
    expect(pepper.secretHash('abc123')).not.toBe(bare);
    expect(pepper.secretHash('abc123')).toMatch(/^[\w-]{43}$/);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}
