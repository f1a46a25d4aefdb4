import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '#libs/clock';
import { loadAuthority } from './authority.js';
import { ceremony, type CeremonyOptions } from './ceremony.js';
import { verifyCrl } from './crl-reader.js';
import { openssl, subscriberParams } from './testing.js';
import { buildTbs, signTbs } from './certificate.js';
import { PROFILES } from './profiles.js';

const KEYS = { root: 'p-384', issuing: 'p-384', card: 'p-256' } as const;
let folder: string;
let dir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kaika-ceremony-'));
  dir = join(folder, 'ca');
});
afterEach(() => rm(folder, { recursive: true }));

const run = (over: Partial<CeremonyOptions> = {}) =>
  ceremony({ dir, publicUrl: 'http://ca.example', clock: new Clock(), keys: KEYS, log: () => undefined, ...over });

async function contents(): Promise<Record<string, string>> {
  const names = await readdir(dir).catch(() => [] as string[]);
  return Object.fromEntries(
    await Promise.all(names.map(async (n) => [n, await readFile(join(dir, n), 'base64')] as const)),
  );
}

describe('the ceremony', () => {
  it('makes a root, an issuing CA, a card CA and an empty list, as openssl sees them', async () => {
    const { root, issuing, card, rootCrlFile } = await run({ organization: '開卡測試中心' });
    const pem = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const rootFile = await pem('root.pem', root.pem);
    await openssl('crl', '-inform', 'der', '-in', rootCrlFile, '-out', join(folder, 'root.crl.pem'));
    for (const ca of [issuing, card]) {
      const file = await pem(`${ca.role}.pem`, ca.pem);
      const crl = join(folder, 'root.crl.pem');
      const output = await openssl('verify', '-x509_strict', '-crl_check', '-CRLfile', crl, '-CAfile', rootFile, file);
      expect(output).toContain('OK');
      const text = await openssl('x509', '-in', file, '-noout', '-text');
      expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
      expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
      expect(text).toContain('URI:http://ca.example/crl/root.crl');
      expect(text).not.toContain('OCSP');
    }
    const text = await openssl('x509', '-in', rootFile, '-noout', '-text', '-nameopt', 'utf8,sep_comma_plus');
    expect(text).toContain('Subject: C=TW,O=開卡測試中心,OU=kaika Root CA - G1');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE\n/);
    expect(text).not.toMatch(/CRL Distribution|Authority Information|Policies/);
    const years = (ca: typeof root) => ca.notAfter.getUTCFullYear() - ca.notBefore.getUTCFullYear();
    expect(
      [root, issuing, card].map(years).every((life, i) =>
        [
          [24, 25],
          [19, 20],
          [19, 20],
        ][i]!.includes(life),
      ),
    ).toBe(true);
    expect(new Set([root, issuing, card].map(({ serial }) => serial)).size).toBe(3);
  });

  it('publishes an empty root list that lives six months at most', async () => {
    const { root, rootCrlFile } = await run();
    const { list } = await verifyCrl(rootCrlFile, root.der);
    expect(list.number).toBe(1n);
    expect((list.nextUpdate.getTime() - list.thisUpdate.getTime()) / 86_400_000).toBeLessThanOrEqual(181);
    expect((await list.entries().next()).done).toBe(true);
  });

  it('keeps keys encrypted, and to itself', async () => {
    const { issuing } = await run();
    for (const [name, content] of Object.entries(await contents())) {
      const isSecret = /key\.pem|passphrase|authority/.test(name);
      expect([name, (await stat(join(dir, name))).mode & 0o777]).toEqual([name, isSecret ? 0o600 : 0o644]);
      if (name.endsWith('key.pem')) {
        expect(Buffer.from(content, 'base64').toString()).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
      }
    }
    const text = await openssl('asn1parse', '-in', join(dir, 'issuing.key.pem'));
    expect(text).toMatch(/PBES2[^]*aes-256-cbc/);
    expect((await issuing.signer()).publicKey.equals(issuing.publicKey)).toBe(true);
    expect(issuing.signer()).toBe(issuing.signer());
  });

  it('goes on where it was interrupted, at every step, and never makes a second root', async () => {
    const steps: string[] = [];
    const first = await run({ log: (step) => void steps.push(step) });
    expect(steps).toHaveLength(7);
    await run({ log: (step) => expect(step).toBe('nothing is left to do') });
    expect((await loadAuthority(dir)).root.serial).toBe(first.root.serial);

    for (let stop = 0; stop < steps.length; stop += 1) {
      await rm(dir, { recursive: true });
      let step = 0;
      const log = () => {
        if (step++ === stop) throw new Error('power cut');
      };
      await expect(run({ log })).rejects.toThrow('power cut');
      await expect(loadAuthority(dir)).rejects.toMatchObject({ code: 'authorityUnavailable' });
      const before = await contents();
      const later = new Date('2026-06-01T00:00:00Z');
      const { root } = await run({ organization: 'another', publicUrl: 'http://other.example', notBefore: later });
      expect(await contents()).toMatchObject(before);
      expect(new X509Certificate(root.der).subject).toContain('O=kaika');
    }
  });

  it('makes no other key for a root whose own was taken away, and cannot sign for it', async () => {
    await run();
    await rm(join(dir, 'root.key.pem'));
    const before = await contents();
    const { root } = await run();
    expect(await contents()).toEqual(before);
    await expect(root.signer()).rejects.toMatchObject({ code: 'signerUnavailable' });
  });

  it('signs the bytes that were stored, not new ones, after a stop between storing and signing', async () => {
    const { root } = await run();
    const tbs = await readFile(join(dir, 'issuing.tbs'));
    await rm(join(dir, 'issuing.cer'));
    const again = await run();
    expect(again.issuing.der.includes(tbs)).toBe(true);
    expect(again.root.der).toEqual(root.der);
  });

  it('ends with one authority when two run at once', async () => {
    const [one, other] = await Promise.all([run(), run()]);
    expect(one.root.der).toEqual(other.root.der);
    expect(one.issuing.der).toEqual(other.issuing.der);
    expect(one.card.der).toEqual(other.card.der);
    const params = subscriberParams(other, { notBefore: other.issuing.notBefore });
    const der = await signTbs(buildTbs(PROFILES.businessCardSignature, params), await other.issuing.signer());
    expect(new X509Certificate(der).verify(one.issuing.publicKey)).toBe(true);
    expect((await readdir(dir)).filter((name) => /tmp|draft/.test(name))).toEqual([]);
  });

  it('takes the passphrase from another place', async () => {
    const passphraseFile = join(folder, 'elsewhere');
    const { card } = await run({ passphraseFile });
    await card.signer();
    expect(Object.keys(await contents())).not.toContain('passphrase');
    const loaded = await loadAuthority(dir, { passphraseFile });
    await expect(loaded.card.signer()).resolves.toMatchObject({ algorithm: 'ecdsa-sha256' });
    await expect((await loadAuthority(dir)).card.signer()).rejects.toMatchObject({ code: 'signerUnavailable' });
  });
});

describe('loadAuthority', () => {
  it('refuses a folder with something missing, broken or of another authority', async () => {
    await run();
    const own = await readFile(join(dir, 'issuing.cer'));
    const other = await ceremony({
      dir: join(folder, 'other'),
      publicUrl: 'http://x',
      clock: new Clock(),
      keys: KEYS,
      log: () => undefined,
    });
    for (const wrong of [other.issuing.der, own.subarray(1), Buffer.alloc(0)]) {
      await writeFile(join(dir, 'issuing.cer'), wrong);
      await expect(loadAuthority(dir)).rejects.toMatchObject({ code: 'authorityUnavailable' });
    }
    await writeFile(join(dir, 'issuing.cer'), own);
    await writeFile(join(dir, 'issuing.key.pem'), await readFile(join(dir, 'root.key.pem')));
    const { issuing } = await loadAuthority(dir);
    await expect(issuing.signer()).rejects.toMatchObject({ code: 'signerUnavailable' });
  });
});
