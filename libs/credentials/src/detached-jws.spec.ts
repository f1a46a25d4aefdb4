import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FlattenedSign, type JWK } from 'jose';
import { claimedKey, signDetached, signingAlgorithms, verifiesDetached } from './detached-jws.js';
import { ensureKeyPair, type KeyPair, type PublicJwk } from './key-pair.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-jws-'));
const octets = Buffer.from('{ "name" : "開卡" }\n');
const encode = (header: unknown) => Buffer.from(JSON.stringify(header)).toString('base64url');
let pairs: KeyPair[];

beforeAll(async () => {
  pairs = [await ensureKeyPair(join(dir, 'p256')), await ensureKeyPair(join(dir, 'ed'), 'Ed25519')];
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('a detached signature', () => {
  it('is its key’s, over exactly these octets', async () => {
    for (const pair of pairs) {
      const signature = await signDetached(pair, octets);
      expect(claimedKey(signature)).toBe(pair.kid);
      expect(await verifiesDetached(pair.publicJwk, signature, octets)).toBe(true);
      expect(await verifiesDetached(pair.publicJwk, signature, Buffer.from('{"name":"開卡"}'))).toBe(false);
      expect(await verifiesDetached(pair.publicJwk, signature, Buffer.alloc(0))).toBe(false);
    }
    const signature = await signDetached(pairs[0]!, octets);
    expect(await verifiesDetached(pairs[1]!.publicJwk, signature, octets)).toBe(false);
  });

  it('may be over the octets in base64url, as in RFC 7515', async () => {
    const pair = pairs[0]!;
    const jws = await new FlattenedSign(octets)
      .setProtectedHeader({ alg: 'ES256', kid: pair.kid })
      .sign(pair.privateKey);
    expect(await verifiesDetached(pair.publicJwk, `${jws.protected}..${jws.signature}`, octets)).toBe(true);
  });

  it('by RSA is PS256 or RS256', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k' } as PublicJwk;
    for (const alg of ['PS256', 'RS256', 'PS512']) {
      const jws = await new FlattenedSign(octets).setProtectedHeader({ alg, kid: 'k' }).sign(privateKey);
      const verifies = await verifiesDetached(jwk, `${jws.protected}..${jws.signature}`, octets);
      expect([alg, verifies]).toEqual([alg, alg !== 'PS512']);
    }
  });

  it('is never taken on the word of its header', async () => {
    const { publicJwk, kid } = pairs[0]!;
    const secret = Buffer.from(publicJwk.x!, 'base64url');
    const hmac = await new FlattenedSign(octets).setProtectedHeader({ alg: 'HS256', kid }).sign(secret);
    const [header, , value] = (await signDetached(pairs[0]!, octets)).split('.');
    for (const forged of [
      `${hmac.protected}..${hmac.signature}`,
      `${encode({ alg: 'none', kid })}..${value}`,
      `${encode({ alg: 'none', kid })}..`,
      `${encode({ alg: 'ES256', kid, crit: ['x'], x: 1 })}..${value}`,
      `${header}.${octets.toString('base64url')}.${value}`,
      `${header}..${value}=`,
      `${header}..${value!.slice(2)}`,
      `${encode('text')}..${value}`,
      `${encode(null)}..${value}`,
      `AAAA..${value}`,
      '..',
      '',
      'x'.repeat(100_000),
    ]) {
      expect(await verifiesDetached(publicJwk, forged, octets)).toBe(false);
    }
  });
});

it('names no key for what is no signature', () => {
  for (const text of ['', '..', 'a.b.c', 'AAAA..AAAA', `${encode({ kid: 7 })}..AAAA`, `${encode(null)}..AAAA`]) {
    expect(claimedKey(text)).toBeUndefined();
  }
});

it('takes no key of an unknown kind', () => {
  for (const jwk of [{ kty: 'oct' }, { kty: 'EC', crv: 'secp256k1' }, { kty: 'constructor' }, {}] as JWK[]) {
    expect(signingAlgorithms(jwk)).toEqual([]);
  }
});
