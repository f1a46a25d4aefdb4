import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CertificationRequest } from 'pkijs';
import {
  bitString,
  explicit,
  extension,
  integer,
  nothing,
  oid,
  sequence,
  SIGNATURE_ALGORITHMS,
  signTbs,
  spkiOf,
  type Signer,
} from '#libs/pki';
import { buildDelegateTbs, delegateNotAfter } from './delegate-certificate.js';
import { isRenewalDue, isValidAt, openDelegate } from './delegate.js';
import { lintDelegate } from './delegate-lint.js';
import { checkDelegateRequest, createDelegateRequest } from './delegate-request.js';
import { DelegateStore } from './delegate-store.js';
import { delegateParams, newSigner, openssl, testAuthority, type TestAuthority } from './testing.js';

const NOW = new Date('2026-11-21T08:00:00Z');
const DAY_MS = 86_400_000;
const later = (days: number) => new Date(NOW.getTime() + days * DAY_MS);

let authority: TestAuthority;
let issuerSigner: Signer;
beforeAll(async () => {
  authority = await testAuthority();
  issuerSigner = await authority.issuing.signer();
});
afterAll(() => authority.remove());

const certify = async (publicKey: Signer['publicKey'], notBefore = NOW): Promise<Buffer> =>
  signTbs(buildDelegateTbs({ ...delegateParams(authority.issuing, notBefore), publicKey }), issuerSigner);

describe('a delegate’s certificate', () => {
  it.each(['p-256', 'rsa-2048'] as const)('has the profile of DOMAIN.md §3 with %s', async (kind) => {
    const signer = newSigner(kind);
    const params = delegateParams(authority.issuing, NOW, signer);
    const tbs = buildDelegateTbs(params);
    lintDelegate(tbs, params);
    const der = await signTbs(tbs, issuerSigner);
    lintDelegate(der, params);
    const delegate = openDelegate(der, authority.issuing, signer);
    expect(delegate.notAfter).toEqual(new Date('2026-12-21T07:59:59Z'));

    const file = join(authority.dir, 'delegate.cer');
    await writeFile(file, der);
    const text = await openssl('x509', '-in', file, '-noout', '-text');
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toMatch(/X509v3 Extended Key Usage: \n\s+OCSP Signing\n/);
    expect(text).toMatch(/OCSP No Check: \n/);
    expect(text).toMatch(/Subject: C = TW, O = kaika, OU = kaika Business Card CA - G1, CN = OCSP 1/);
    const at = ['-attime', String(NOW.getTime() / 1_000), '-purpose', 'ocsphelper'];
    const chain = join(authority.dir, 'chain.pem');
    await writeFile(chain, authority.root.pem + authority.issuing.pem);
    expect(await openssl('verify', ...at, '-CAfile', chain, file)).toContain('OK');
  });

  it('never outlives its issuer', () => {
    const notBefore = new Date(authority.issuing.notAfter.getTime() - DAY_MS);
    expect(delegateNotAfter({ notBefore, issuer: authority.issuing })).toEqual(authority.issuing.notAfter);
  });

  it('is renewed in its last third', () => {
    const life = { notBefore: NOW, notAfter: later(30) };
    expect([0, 19, 20, 29, 31].map((days) => isRenewalDue(life, later(days)))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect([-1, 0, 30, 31].map((days) => isValidAt(life, later(days)))).toEqual([false, true, true, false]);
  });

  it('is not made for other keys or serials', () => {
    const params = delegateParams(authority.issuing, NOW);
    const refused = expect.objectContaining({ code: 'certificateLint' });
    expect(() => buildDelegateTbs({ ...params, publicKey: authority.issuing.publicKey })).toThrow(refused);
    expect(() => buildDelegateTbs({ ...params, serial: '00'.repeat(16) })).toThrow(refused);
    expect(() => buildDelegateTbs({ ...params, notBefore: new Date('2026-11-21T08:00:00.5Z') })).toThrow(RangeError);
  });

  const hex = (bytes: Buffer) => bytes.toString('hex');
  const noCheck = extension('1.3.6.1.5.5.7.48.1.5', false, nothing());
  const usage = (purpose: string) => extension('2.5.29.37', false, sequence(oid(purpose)));
  /** The same length, so that nothing around it changes. */
  it.each<[string, string, string]>([
    ['extKeyUsage', hex(usage('1.3.6.1.5.5.7.3.9')), hex(usage('1.3.6.1.5.5.7.3.8'))],
    ['keyUsage', '03020780', '03020640'],
    ['keyUsage not critical', '0603551d0f0101ff', '0603551d0f010100'],
    ['ocsp-nocheck missing', hex(noCheck), hex(extension('1.3.6.1.5.5.7.48.1.9', false, nothing()))],
    ['lives too long', Buffer.from('261221075959Z').toString('hex'), Buffer.from('261221080000Z').toString('hex')],
    [
      'ends before it begins',
      Buffer.from('261221075959Z').toString('hex'),
      Buffer.from('261121075959Z').toString('hex'),
    ],
    ['version', 'a003020102', 'a003020101'],
    ['serial', '0210', '0210ff'],
  ])('is refused with another %s, by both sides', async (_what, from, to) => {
    const signer = newSigner();
    const params = delegateParams(authority.issuing, NOW, signer);
    let text = hex(buildDelegateTbs(params));
    expect(text).toContain(from);
    text = to.length > from.length ? text.replace(/0210[0-9a-f]{2}/, '0210ff') : text.replace(from, to);
    const tbs = Buffer.from(text, 'hex');
    const der = await signTbs(tbs, issuerSigner);
    const refused = expect.objectContaining({ code: 'certificateLint' });
    expect(() => lintDelegate(tbs, params)).toThrow(refused);
    expect(() => lintDelegate(der, params)).toThrow(refused);
    expect(() => openDelegate(der, authority.issuing, signer)).toThrow(refused);
  });

  it('is refused when it is not what was to be signed', async () => {
    const params = delegateParams(authority.issuing, NOW);
    const tbs = buildDelegateTbs(params);
    for (const over of [
      { serial: delegateParams(authority.issuing, NOW).serial },
      { subject: { C: 'TW', CN: 'another' } },
      { publicKey: newSigner().publicKey },
      { notBefore: later(1) },
      { issuer: authority.root },
    ]) {
      expect(() => lintDelegate(tbs, { ...params, ...over })).toThrow(/^delegate: /);
    }
  });

  it('is refused by the responder for another key, another issuer, another signature', async () => {
    const signer = newSigner();
    const der = await certify(signer.publicKey);
    const code = (wanted: string) => expect.objectContaining({ code: wanted });
    expect(() => openDelegate(der, authority.issuing, newSigner())).toThrow(code('signerUnavailable'));
    expect(() => openDelegate(der, authority.card, signer)).toThrow(code('certificateLint'));
    expect(() => openDelegate(authority.issuing.der, authority.issuing, signer)).toThrow(code('certificateLint'));
    expect(() => openDelegate(Buffer.from('no certificate'), authority.issuing, signer)).toThrow(
      code('certificateLint'),
    );
    const resigned = await signTbs(
      buildDelegateTbs({ ...delegateParams(authority.issuing, NOW, signer) }),
      await authority.root.signer(),
    );
    expect(() => openDelegate(resigned, authority.issuing, signer)).toThrow(/signature/);
  });
});

describe('a request for a delegate’s certificate', () => {
  it.each(['p-256', 'rsa-2048'] as const)(
    'proves possession of its key to pkijs, openssl and us (%s)',
    async (kind) => {
      const signer = newSigner(kind);
      const der = await createDelegateRequest(signer);
      expect(await CertificationRequest.fromBER(der).verify()).toBe(true);
      const file = join(authority.dir, 'delegate.csr');
      await writeFile(file, der);
      expect(await openssl('req', '-in', file, '-inform', 'DER', '-noout', '-verify')).toMatch(/verify OK/);
      expect(checkDelegateRequest(der).equals(signer.publicKey)).toBe(true);
    },
  );

  it('may come from openssl, with a name and attributes that are ignored', async () => {
    const file = join(authority.dir, 'other.csr');
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(authority.dir, 'other.key')];
    await openssl(
      'req',
      '-new',
      ...key,
      '-subj',
      '/CN=any',
      '-addext',
      'basicConstraints=CA:TRUE',
      '-outform',
      'DER',
      '-out',
      file,
    );
    expect(checkDelegateRequest(await readFile(file)).asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  it('is refused without proof, for other keys, and when it is no request', async () => {
    const refuses = (der: Buffer) =>
      expect(() => checkDelegateRequest(der)).toThrow(expect.objectContaining({ code: 'certificateRequestInvalid' }));
    const good = await createDelegateRequest(newSigner());
    for (let i = 0; i < good.length; i += 1) {
      const changed = Buffer.from(good);
      changed[i]! ^= 0x01;
      refuses(changed);
      refuses(good.subarray(0, i));
    }
    refuses(Buffer.concat([good, Buffer.of(0)]));
    refuses(Buffer.alloc(1 << 16, 0x30));
    refuses(await createDelegateRequest(issuerSigner)); // P-384
    const [mine, other] = [newSigner(), newSigner()];
    const info = sequence(integer(0), sequence(), spkiOf(other.publicKey), explicit(0));
    refuses(sequence(info, SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifier, bitString(await mine.sign(info))));
  });
});

describe('DelegateStore', () => {
  let count = 0;
  const newStore = (over = {}) => {
    const dir = join(authority.dir, `store-${(count += 1)}`);
    const lines: string[] = [];
    const options = { dir, issuer: authority.issuing, log: (line: string) => void lines.push(line), ...over };
    return { dir, lines, options, store: new DelegateStore(options) };
  };
  const fill = async (store: DelegateStore, notBefore: Date) =>
    store.install(await certify(checkDelegateRequest(await store.request()), notBefore));

  it.each(['p-256', 'rsa-2048'] as const)(
    'makes a key, asks, installs and finds it again after a restart (%s)',
    async (keyKind) => {
      const { store, options, dir } = newStore({ keyKind });
      expect(await store.current(NOW)).toBeUndefined();
      const installed = await fill(store, NOW);
      const found = await new DelegateStore(options).current(NOW);
      expect(found!.certificate).toEqual(installed.certificate);
      expect(found!.signer.algorithm).toBe(keyKind === 'p-256' ? 'ecdsa-sha256' : 'rsa-sha256');
      for (const name of await readdir(dir)) {
        expect((await stat(join(dir, name))).mode & 0o777).toBe(name.endsWith('.cer') ? 0o644 : 0o600);
      }
      expect((await stat(dir)).mode & 0o777).toBe(0o700);
    },
  );

  it('asks for the same key until it has a certificate, then for another', async () => {
    const { store, options } = newStore();
    const first = checkDelegateRequest(await store.request());
    expect(checkDelegateRequest(await new DelegateStore(options).request()).equals(first)).toBe(true);
    await store.install(await certify(first));
    expect(checkDelegateRequest(await store.request()).equals(first)).toBe(false);
  });

  it('uses the delegate that is valid longest, and none outside its life', async () => {
    const { store } = newStore();
    await fill(store, NOW);
    const second = await fill(store, later(20));
    expect((await store.current(later(10)))!.certificate).not.toEqual(second.certificate);
    expect((await store.current(later(25)))!.certificate).toEqual(second.certificate);
    expect(await store.current(later(-1))).toBeUndefined();
    expect(await store.current(later(51))).toBeUndefined();
  });

  it('takes no certificate of a key it doesn’t have, nor of another issuer', async () => {
    const { store } = newStore();
    const key = checkDelegateRequest(await store.request());
    await expect(store.install(await certify(newSigner().publicKey))).rejects.toMatchObject({
      code: 'signerUnavailable',
    });
    await expect(store.install(Buffer.from('nonsense'))).rejects.toMatchObject({ code: 'certificateLint' });
    const params = { ...delegateParams(authority.card, NOW), publicKey: key };
    const foreign = await signTbs(buildDelegateTbs(params), await authority.card.signer());
    await expect(store.install(foreign)).rejects.toMatchObject({ code: 'certificateLint' });
    expect(await store.current(NOW)).toBeUndefined();
  });

  it('says which file is of no use, and goes on with the others', async () => {
    const { store, dir, lines } = newStore();
    await mkdir(dir, { recursive: true });
    const stray = 'AB'.repeat(20);
    await writeFile(join(dir, `${stray}.cer`), 'nonsense');
    await writeFile(join(dir, 'README'), 'not ours');
    const good = await fill(store, NOW);
    expect((await store.current(NOW))!.certificate).toEqual(good.certificate);
    expect(lines).toEqual([expect.stringContaining(stray)]);
  });

  it('removes what has expired, and nothing else', async () => {
    const { store, dir } = newStore();
    await fill(store, NOW);
    const second = await fill(store, later(20));
    await store.request();
    await store.prune(later(31));
    expect((await readdir(dir)).filter((name) => name.endsWith('.cer'))).toHaveLength(1);
    expect((await readdir(dir)).filter((name) => name.endsWith('.key.pem'))).toHaveLength(2);
    expect((await store.current(later(31)))!.certificate).toEqual(second.certificate);
    expect(new X509Certificate(second.certificate).ca).toBe(false);
  });
});
