import { generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { keyIdentifier, keyKind, placeholderKey, spkiOf, type KeyKind } from './keys.js';
import { SoftwareSigner } from './signer.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kaika-signer-'));
});
afterAll(() => rm(dir, { recursive: true }));

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number, publicExponent?: number) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });

describe('SoftwareSigner', () => {
  it.each([
    ['rsa-sha256', 'sha256', rsa(2048)],
    ['ecdsa-sha256', 'sha256', ec('P-256')],
    ['ecdsa-sha384', 'sha384', ec('P-384')],
  ])('signs with %s, at once and in pieces', async (algorithm, hash, { privateKey, publicKey }) => {
    const signer = new SoftwareSigner(privateKey);
    expect(signer.algorithm).toBe(algorithm);
    const text = Buffer.from('to be signed');
    expect(verify(hash, text, publicKey, await signer.sign(text))).toBe(true);
    const stream = signer.begin();
    for (const octet of text) stream.update(Buffer.of(octet));
    expect(verify(hash, text, publicKey, await stream.end())).toBe(true);
  });

  it('opens an encrypted key file, and nothing else', async () => {
    const { privateKey } = ec('P-256');
    const [key, pass] = [join(dir, 'key.pem'), join(dir, 'pass')];
    const pem = (passphrase: string) =>
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
    await writeFile(key, pem('secret words'));
    await writeFile(pass, ' secret words\n');
    const signer = await SoftwareSigner.fromFile(key, pass);
    expect(verify('sha256', Buffer.of(1), signer.publicKey, await signer.sign(Buffer.of(1)))).toBe(true);

    await writeFile(pass, 'other words');
    await expect(SoftwareSigner.fromFile(key, pass)).rejects.toMatchObject({ code: 'signerUnavailable' });
    await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await expect(SoftwareSigner.fromFile(key, pass)).rejects.toMatchObject({ code: 'signerUnavailable' });
    await expect(SoftwareSigner.fromFile(join(dir, 'none'), pass)).rejects.toMatchObject({ code: 'signerUnavailable' });
  });

  it('refuses keys this product has no use for', () => {
    const weak: KeyObject[] = [
      rsa(1024).privateKey,
      rsa(2048, 3).privateKey,
      ec('P-521').privateKey,
      ec('secp256k1').privateKey,
      generateKeyPairSync('ed25519').privateKey,
      ec('P-256').publicKey,
    ];
    for (const key of weak)
      expect(() => new SoftwareSigner(key)).toThrow(expect.objectContaining({ code: 'signerUnavailable' }));
  });
});

describe('a public key', () => {
  it.each([rsa(2048), rsa(3072), ec('P-256'), ec('P-384')])(
    'is encoded as OpenSSL encodes it (%#)',
    ({ publicKey }) => {
      expect(spkiOf(publicKey)).toEqual(publicKey.export({ type: 'spki', format: 'der' }));
      expect(keyIdentifier(spkiOf(publicKey))).toHaveLength(20);
    },
  );

  it('has a placeholder of the same size for each kind', () => {
    for (const kind of ['rsa-2048', 'rsa-3072', 'rsa-4096', 'p-256', 'p-384'] satisfies KeyKind[]) {
      expect(keyKind(placeholderKey(kind))).toBe(kind);
    }
    expect(spkiOf(placeholderKey('rsa-2048'))).toHaveLength(spkiOf(rsa(2048).publicKey).length);
  });
});
