import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  buildTbs,
  estimateCertificateBytes,
  newSerial,
  SERIAL,
  signTbs,
  type CertificateParams,
} from './certificate.js';
import { readCertificate } from './certificate-reader.js';
import { rfc822NameOf } from './extensions.js';
import { lint } from './lint.js';
import { addYears, notAfterFor, PROFILES, type Profile } from './profiles.js';
import { openssl, subscriberParams, testAuthority, type TestAuthority } from './testing.js';

const { businessCardSignature: SIGNATURE, businessCardEncryption: ENCRYPTION, cardAuthentication: CARD } = PROFILES;
let authority: TestAuthority;
beforeAll(async () => {
  authority = await testAuthority();
});
afterAll(() => authority.remove());

async function issue(profile: Profile, params: CertificateParams): Promise<Buffer> {
  const tbs = buildTbs(profile, params);
  lint(tbs, profile, params);
  const der = await signTbs(
    tbs,
    await (params.issuer === authority.card ? authority.card : authority.issuing).signer(),
  );
  lint(der, profile, params);
  return der;
}

async function save(name: string, content: string | Buffer): Promise<string> {
  const path = join(authority.dir, name);
  await writeFile(path, content);
  return path;
}

describe('newSerial', () => {
  it('gives 16 octets, the first 01–7F, and never the same twice', () => {
    const serials = Array.from({ length: 20_000 }, newSerial);
    expect(serials.filter((serial) => !SERIAL.test(serial))).toEqual([]);
    expect(new Set(serials).size).toBe(serials.length);
    const firsts = new Set(serials.map((serial) => serial.slice(0, 2)));
    expect(firsts.size).toBe(0x7f); // every first octet occurs: none is favoured by masking
  });
});

describe('a business card certificate', () => {
  it('is what its profile says, read by openssl', async () => {
    const params = subscriberParams(authority);
    const der = await issue(SIGNATURE, params);
    const file = await save('leaf.der', der);
    const text = await openssl(
      'x509',
      '-inform',
      'der',
      '-in',
      file,
      '-noout',
      '-text',
      '-nameopt',
      'utf8,sep_comma_plus',
    );
    expect(text).toContain('Subject: C=TW,L=臺北市,O=開卡測試股份有限公司,OU=信義分公司');
    expect(text).toContain('OU=kaika Business Card CA - G1');
    expect(text).toContain('Not After : Nov 21 15:59:59 2031 GMT');
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Policy: 2\.999\.1\.3/);
    expect(text).toMatch(/X509v3 Subject Alternative Name: \s+email:office@example\.com/);
    expect(text).toMatch(/Full Name:\s+URI:http:\/\/ca\.example\/crl\/g1\/complete\.crl\n/);
    expect(text).toContain(`CA Issuers - URI:http://ca.example/ca/${authority.issuing.skiHex}.cer`);
    expect(text).toContain('OCSP - URI:http://ca.example/ocsp');
    expect(text).not.toMatch(/Basic Constraints|Extended Key Usage|TLS/);
    const tree = await openssl('asn1parse', '-inform', 'der', '-in', file);
    expect(tree).toMatch(/PRINTABLESTRING\s+:TW/);
    expect(tree.match(/UTF8STRING/g)).toHaveLength(5); // L, O, OU; the issuer's O, OU
  });

  it('is accepted by openssl’s strict verification, up to the root', async () => {
    const leaf = await save(
      'leaf.pem',
      new X509Certificate(await issue(SIGNATURE, subscriberParams(authority))).toString(),
    );
    const [root, issuing] = [await save('root.pem', authority.root.pem), await save('ca.pem', authority.issuing.pem)];
    const time = String(Date.parse('2026-11-22T00:00:00Z') / 1_000);
    const output = await openssl(
      'verify',
      '-x509_strict',
      '-attime',
      time,
      '-CAfile',
      root,
      '-untrusted',
      issuing,
      leaf,
    );
    expect(output).toContain('leaf.pem: OK');
  });

  it('carries subject type, card rank and business number as PrintableString', async () => {
    const der = await issue(ENCRYPTION, subscriberParams(authority, { cardRank: 'secondary' }));
    const start = der.indexOf(Buffer.from('0603551d09', 'hex'));
    const attributes = der.subarray(start, start + 90).toString('latin1');
    expect(attributes).toContain('\x13\x07company');
    expect(attributes).toContain('\x13\x09secondary');
    expect(attributes).toContain('\x13\x0804595257');
  });

  it('has a name of 64 + 64 Han characters, and an estimate it never exceeds', async () => {
    const subject = { C: 'TW', L: '新北市', O: '開'.repeat(64), OU: '卡'.repeat(64) };
    const params = subscriberParams(authority, { subject });
    const der = await issue(SIGNATURE, params);
    const estimate = estimateCertificateBytes(SIGNATURE, params, 'rsa-2048');
    expect(der.length).toBeLessThanOrEqual(estimate);
    expect(estimate - der.length).toBeLessThanOrEqual(4); // an ECDSA signature may be shorter than the longest
    const tooLong = { ...params, subject: { ...subject, O: '開'.repeat(65) } };
    expect(() => buildTbs(SIGNATURE, tooLong)).toThrow(expect.objectContaining({ code: 'subjectInvalid' }));
  });

  it('takes an EC key for signatures but never for encryption', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await issue(SIGNATURE, subscriberParams(authority, { publicKey }));
    expect(() => buildTbs(ENCRYPTION, subscriberParams(authority, { publicKey }))).toThrow('takes no p-256 key');
  });

  it('names a partition before the complete list, each in a DistributionPoint of its own', async () => {
    const crl = ['http://ca.example/crl/g1/7.crl', 'http://ca.example/crl/g1/complete.crl'];
    const issuer = { ...authority.issuing, urls: { ...authority.issuing.urls, crl } };
    const der = await issue(SIGNATURE, subscriberParams(authority, { issuer }));
    const text = await openssl('x509', '-inform', 'der', '-in', await save('p.der', der), '-noout', '-text');
    expect(text.match(/Full Name:\s+URI:\S+/g)?.map((point) => point.replace(/.*URI:/s, ''))).toEqual(crl);
  });

  it('refuses two different business numbers, fields of other profiles and missing ones', () => {
    const base = subscriberParams(authority);
    const refused = (over: Partial<CertificateParams>, field: string) =>
      expect(() => buildTbs(SIGNATURE, { ...base, ...over })).toThrow(
        expect.objectContaining({ code: 'subjectInvalid', params: expect.objectContaining({ field }) }),
      );
    refused({ subject: { ...base.subject, serialNumber: '04595258' } }, 'serialNumber');
    refused({ subject: { ...base.subject, CN: 'x' } }, 'CN');
    refused({ subject: { C: 'TW' } }, 'O');
    refused({ ubn: '0459525７' }, 'ubn');
    expect(() =>
      buildTbs(SIGNATURE, { ...base, subject: { ...base.subject, serialNumber: '04595257' } }),
    ).not.toThrow();
    expect(() => buildTbs(CARD, { ...base, subject: { CN: 'TT00000000000001' } })).toThrow('takes no rsa-2048 key');
  });

  it('refuses serials outside the rule', () => {
    for (const serial of [
      '00'.repeat(16),
      `80${'00'.repeat(15)}`,
      '01'.repeat(15),
      '01'.repeat(17),
      `0a${'01'.repeat(15)}`,
    ]) {
      expect(() => buildTbs(SIGNATURE, subscriberParams(authority, { serial }))).toThrow('16 octets');
    }
  });
});

describe('a card authentication certificate', () => {
  it('names the card by its number and its UUID', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const params: CertificateParams = {
      serial: newSerial(),
      issuer: authority.card,
      subject: { CN: 'TT00000000000001' },
      publicKey,
      notBefore: new Date('2026-11-21T08:00:00Z'),
      notAfter: new Date('2031-11-21T15:59:59Z'),
      cardUuid: '3b241101-e2bb-4255-8caf-4136c566a962',
    };
    const x509 = new X509Certificate(await issue(CARD, params));
    expect(x509.subject).toBe('CN=TT00000000000001');
    expect(x509.subjectAltName).toBe('URI:urn:uuid:3b241101-e2bb-4255-8caf-4136c566a962');
    expect(x509.checkIssued(new X509Certificate(authority.card.der))).toBe(true);
    expect(readCertificate(x509)).toMatchObject({ keyUsage: ['digitalSignature'], authorityKeyId: authority.card.ski });
  });
});

describe('lint', () => {
  const utc = (text: string) => new Date(text);
  /** What was built by mistake, and what lint must say of it. */
  const mistakes: [string, Partial<CertificateParams>, RegExp][] = [
    ['serial', { serial: '01'.repeat(16) }, /another serial/],
    ['name', { subject: { C: 'TW', O: '別的公司' } }, /subject/],
    ['name’s text', { subject: { C: 'TW', L: '臺北市', O: '別的公司', OU: '信義分公司' } }, /another O$/],
    ['notBefore', { notBefore: utc('2026-11-21T08:00:01Z') }, /another notBefore/],
    ['notAfter', { notAfter: utc('2031-11-20T15:59:59Z') }, /another notAfter/],
    ['business number', { ubn: '12345675' }, /another directoryAttributes/],
    ['no business number', { ubn: undefined }, /another directoryAttributes/],
    ['rank', { cardRank: 'secondary' }, /another directoryAttributes/],
    ['e-mail', { email: 'other@example.com' }, /another altName/],
    ['no e-mail', { email: undefined }, /no altName/],
    ['policies', { policies: ['2.16.886.101.0.3.3'] }, /another policies/],
    ['no policies', { policies: [] }, /no policies/],
  ];

  it.each(mistakes)('finds another %s than intended', (_, over, problem) => {
    const intended = subscriberParams(authority);
    const tbs = buildTbs(SIGNATURE, { ...intended, ...over });
    expect(() => lint(tbs, SIGNATURE, intended)).toThrow(problem);
  });

  it('finds another key, issuer, pointer or profile than intended', () => {
    const intended = subscriberParams(authority);
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const built = (over: Partial<CertificateParams>, profile: Profile = SIGNATURE) =>
      buildTbs(profile, { ...intended, ...over });
    const { issuing } = authority;
    const issuer = (urls: object) => ({ issuer: { ...issuing, urls: { ...issuing.urls, ...urls } } });
    expect(() => lint(built({ publicKey }), SIGNATURE, intended)).toThrow(/another key/);
    expect(() => lint(built({ issuer: authority.root }), SIGNATURE, intended)).toThrow(
      /another issuer.*another authorityKey/,
    );
    expect(() => lint(built(issuer({ crl: ['http://ca.example/other.crl'] })), SIGNATURE, intended)).toThrow(
      /distributionPoints/,
    );
    expect(() => lint(built(issuer({ crl: [] })), SIGNATURE, intended)).toThrow(/no distributionPoints/);
    expect(() => lint(built(issuer({ ocsp: undefined })), SIGNATURE, intended)).toThrow(/another infoAccess/);
    expect(() => lint(built({}, ENCRYPTION), SIGNATURE, intended)).toThrow(/another keyUsage/);
    const withCa: Profile = { ...SIGNATURE, ca: {} };
    expect(() => lint(built({}, withCa), SIGNATURE, intended)).toThrow(/2\.5\.29\.19 is not in the profile/);
  });

  it('holds the intention itself against the rules', () => {
    const late = { ...authority.issuing, notAfter: utc('2030-01-01T00:00:00Z') };
    const wrong: [Partial<CertificateParams>, RegExp][] = [
      [{ notAfter: utc('2032-11-21T15:59:59Z') }, /longer than 5 years/],
      [{ notAfter: utc('2031-11-21T16:00:00Z') }, /Taipei day/],
      [{ notAfter: utc('2026-11-20T15:59:59Z') }, /ends before it begins/],
      [{ issuer: late }, /outlives its issuer/],
    ];
    for (const [over, problem] of wrong) {
      const params = subscriberParams(authority, over);
      expect(() => lint(buildTbs(SIGNATURE, params), SIGNATURE, params)).toThrow(problem);
    }
  });

  it('finds a signature of another key, and any changed octet', async () => {
    const params = subscriberParams(authority);
    const tbs = buildTbs(SIGNATURE, params);
    const foreign = await signTbs(tbs, await authority.root.signer());
    expect(() => lint(foreign, SIGNATURE, params)).toThrow('the signature does not verify');
    const der = await signTbs(tbs, await authority.issuing.signer());
    for (let at = 0; at < der.length; at += 61) {
      const changed = Buffer.from(der);
      changed[at]! ^= 0x01;
      expect(() => lint(changed, SIGNATURE, params)).toThrow(expect.objectContaining({ code: 'certificateLint' }));
    }
    expect(() => lint(Buffer.concat([der, Buffer.of(0)]), SIGNATURE, params)).toThrow('behind the end');
    expect(() => lint(Buffer.alloc(0), SIGNATURE, params)).toThrow('cannot be read');
  });
});

describe('notAfterFor', () => {
  it('is the end of the Taipei day five years later', () => {
    expect(notAfterFor(SIGNATURE, new Date('2026-11-21T15:59:59Z'))).toEqual(new Date('2031-11-21T15:59:59Z'));
    expect(notAfterFor(SIGNATURE, new Date('2026-11-21T16:00:00Z'))).toEqual(new Date('2031-11-22T15:59:59Z'));
    expect(notAfterFor(SIGNATURE, new Date('2028-02-29T08:00:00Z'))).toEqual(new Date('2033-02-28T15:59:59Z'));
  });

  it('is never after the issuer’s, and always the end of a Taipei day within the profile’s life', () => {
    const moment = fc.date({ min: new Date('2026-01-01'), max: new Date('2060-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(moment, moment, (notBefore, issuerNotAfter) => {
        const end = notAfterFor(SIGNATURE, notBefore, issuerNotAfter);
        expect(end <= issuerNotAfter).toBe(true);
        expect(end.toISOString()).toMatch(/T15:59:59\.000Z$/);
        expect(end.getTime()).toBeLessThan(addYears(notBefore, 5).getTime() + 86_400_000);
      }),
    );
    const root = new Date('2030-01-01T00:00:00Z');
    expect(notAfterFor(PROFILES.issuingCa, new Date('2026-01-01T00:00:00Z'), root)).toEqual(root);
  });
});

describe('rfc822NameOf', () => {
  it('keeps ASCII mailboxes, writes domains as A-labels and leaves the rest out', () => {
    expect(rfc822NameOf('a.b+c@Example.COM')).toBe('a.b+c@example.com');
    expect(rfc822NameOf('office@公司.台灣')).toMatch(/^office@xn--[a-z0-9-]+\.xn--[a-z0-9-]+$/);
    for (const bad of [
      '公司@example.com',
      'a b@example.com',
      '.a@example.com',
      'a..b@example.com',
      'a@b@c.com',
      'a@localhost',
      'a@-x.com',
      'a',
      '@x.com',
      `${'a'.repeat(65)}@x.com`,
      'a@exa mple.com',
    ]) {
      expect([bad, rfc822NameOf(bad)]).toEqual([bad, undefined]);
    }
  });
});
