import { createHmac, scryptSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { BoundedPool } from './bounded-pool.js';
import { CodeHasher } from './code-hasher.js';
import { Pepper } from './pepper.js';

const secret = Buffer.alloc(32, 7);
const hasher = new CodeHasher(new Pepper(secret));

describe('CodeHasher', () => {
  it('makes a verifier that an independent scrypt over the HMAC agrees with', async () => {
    const verifier = await hasher.hash('Kaika#2026');
    const [scheme, N, r, p, salt, hash] = verifier.split('$');
    expect([scheme, N, r, p]).toEqual(['scrypt', '16384', '8', '1']);
    expect(Buffer.from(salt!, 'base64url')).toHaveLength(16);
    const seasoned = createHmac('sha256', secret).update('Kaika#2026').digest();
    const options = { N: 16384, r: 8, p: 1 };
    expect(scryptSync(seasoned, Buffer.from(salt!, 'base64url'), 32, options).toString('base64url')).toBe(hash);
  });

  it('knows the code, and no other, by case too', async () => {
    const verifier = await hasher.hash('Kaika#2026');
    await expect(hasher.verify(verifier, 'Kaika#2026')).resolves.toBe(true);
    for (const code of ['kaika#2026', 'Kaika#2026 ', 'Kaika#202', '']) {
      await expect(hasher.verify(verifier, code)).resolves.toBe(false);
    }
  });

  it('never gives two verifiers alike, and none without the pepper', async () => {
    const [one, two] = await Promise.all([hasher.hash('same-code'), hasher.hash('same-code')]);
    expect(one).not.toBe(two);
    const other = new CodeHasher(new Pepper(Buffer.alloc(32, 8)));
    await expect(other.verify(one, 'same-code')).resolves.toBe(false);
  });

  it('takes a place in the pool for an unknown card, as for a known one', async () => {
    const pool = new CountingPool(2, 10, 0.06);
    const counted = new CodeHasher(new Pepper(secret), pool);
    const verifier = await counted.hash('Kaika#2026');
    await expect(counted.verify(undefined, 'Kaika#2026')).resolves.toBe(false);
    await counted.verify(verifier, 'Kaika#2026');
    expect(pool.runs).toBe(3);
  });

  it('asks for a new verifier when the cost has changed, and still checks the old one', async () => {
    const verifier = await hasher.hash('Kaika#2026');
    expect(hasher.needsRehash(verifier)).toBe(false);
    const salt = Buffer.alloc(16, 1);
    const seasoned = createHmac('sha256', secret).update('Kaika#2026').digest();
    const hash = scryptSync(seasoned, salt, 32, { N: 1024, r: 8, p: 1 });
    const old = `scrypt$1024$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
    expect(hasher.needsRehash(old)).toBe(true);
    await expect(hasher.verify(old, 'Kaika#2026')).resolves.toBe(true);
  });

  it.each([
    '',
    'bcrypt$1$2',
    'scrypt$16384$8$1$short$short',
    `scrypt$4194304$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `scrypt$16384$99$1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `scrypt$16384$0$1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  ])('refuses the stored verifier "%s" without showing it', async (verifier) => {
    await expect(hasher.verify(verifier, 'Kaika#2026')).rejects.toThrow('a stored verifier has an unknown form');
  });
});

describe('BoundedPool', () => {
  it('runs so many at once, lets so many wait in order, and refuses the rest with a time to come back', async () => {
    const pool = new BoundedPool(2, 3, 5);
    const order: number[] = [];
    const gates: (() => void)[] = [];
    const task = (n: number) => () =>
      new Promise<void>((resolve) => {
        order.push(n);
        gates.push(resolve);
      });
    const all = [0, 1, 2, 3, 4].map((n) => pool.run(task(n)));
    expect(order).toEqual([0, 1]);
    await expect(pool.run(task(5))).rejects.toMatchObject({ code: 'tooBusy', params: { retryAfterSeconds: 10 } });
    while (gates.length > 0) {
      gates.shift()!();
      await new Promise(setImmediate);
    }
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    await expect(pool.run(async () => 'free again')).resolves.toBe('free again');
  });

  it('gives the place back when a task fails', async () => {
    const pool = new BoundedPool(1, 0, 1);
    await expect(pool.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(pool.run(async () => 'next')).resolves.toBe('next');
  });
});

class CountingPool extends BoundedPool {
  runs = 0;
  override run<T>(task: () => Promise<T>): Promise<T> {
    this.runs += 1;
    return super.run(task);
  }
}
