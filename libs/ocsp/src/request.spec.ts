import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explicit, extension, integer, newSerial, nothing, octetString, oid, sequence, tlv } from '#libs/pki';
import { IssuerId } from './issuer-id.js';
import { OCSP_OID } from './oids.js';
import { MAX_REQUEST_BYTES, MalformedRequest, parseRequest } from './request.js';
import { openssl, pkijsRequest, testAuthority, type TestAuthority } from './testing.js';

let authority: TestAuthority;
beforeAll(async () => {
  authority = await testAuthority();
});
afterAll(() => authority.remove());

const UNKNOWN = '2.999.1';
const sha1 = sequence(oid(OCSP_OID.sha1), nothing());
const hash = octetString(Buffer.alloc(20, 7));
const certId = sequence(sha1, hash, hash, integer(5));
const request = (...parts: Buffer[]): Buffer => sequence(sequence(...parts));
const asks = (...requests: Buffer[]): Buffer => sequence(...requests);
const one = asks(sequence(certId));
const withExtensions = (...extensions: Buffer[]): Buffer => request(one, explicit(2, sequence(...extensions)));
const nonce = (value: Buffer, critical = false): Buffer => extension(OCSP_OID.nonce, critical, value);
const ofSerial = (octets: string): Buffer => {
  const serial = tlv(0x02, Buffer.from(octets, 'hex'));
  return request(asks(sequence(sequence(sha1, hash, hash, serial))));
};

describe('parseRequest', () => {
  it.each([
    ['SHA-1', 1],
    ['SHA-1', 3],
    ['SHA-256', 1],
    ['SHA-256', 100],
  ] as const)('reads what pkijs writes: %s, %i certificates', async (algorithm, count) => {
    const serials = Array.from({ length: count }, newSerial);
    const der = await pkijsRequest(authority.issuing, serials, { hash: algorithm, nonce: Buffer.from('a nonce') });
    const { certificates, nonce: echoed } = parseRequest(der);
    expect(certificates.map(({ serial }) => serial)).toEqual(serials);
    expect(echoed).toEqual(Buffer.from('a nonce'));
    const [issuing, root] = [new IssuerId(authority.issuing), new IssuerId(authority.root)];
    for (const id of certificates) expect([issuing.matches(id), root.matches(id)]).toEqual([true, false]);
  });

  it('reads what openssl writes, signed and with a requestor’s name, and looks at neither', async () => {
    const file = join(authority.dir, 'signed.der');
    const key = join(authority.dir, 'requestor.key');
    const certificate = join(authority.dir, 'requestor.pem');
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=asker',
      '-keyout',
      key,
      '-out',
      certificate,
    );
    const issuer = ['-issuer', join(authority.dir, 'ca', 'issuing.cer'), '-serial', '0x5', '-no_nonce'];
    await openssl('ocsp', ...issuer, '-signer', certificate, '-signkey', key, '-reqout', file);
    const der = await readFile(file);
    expect(der.includes('asker')).toBe(true);
    expect(parseRequest(der).certificates).toHaveLength(1);
    expect(parseRequest(der).nonce).toBeUndefined();
  });

  it.each([1, 16, 32, 33, 128])('takes a nonce of %i octets (RFC 9654)', (length) => {
    const value = Buffer.alloc(length, 0xab);
    expect(parseRequest(withExtensions(nonce(octetString(value)))).nonce).toEqual(value);
    expect(parseRequest(withExtensions(nonce(octetString(value), true))).nonce).toEqual(value);
  });

  it('ignores an extension that is not critical, and reads both of those it understands', () => {
    const basic = extension(OCSP_OID.acceptableResponses, true, sequence(oid(UNKNOWN), oid(OCSP_OID.basicResponse)));
    const der = withExtensions(extension(UNKNOWN, false, nothing()), basic, nonce(octetString(Buffer.of(1))));
    expect(parseRequest(der).nonce).toEqual(Buffer.of(1));
    const single = asks(sequence(certId, explicit(0, sequence(extension(UNKNOWN, false, nothing())))));
    expect(parseRequest(request(single)).certificates).toHaveLength(1);
  });

  it.each(['00', '7f', '80', 'ff', '0080', 'ff7f', '7f'.repeat(40)])('takes any serial number (%s)', (octets) => {
    expect(parseRequest(ofSerial(octets)).certificates[0]!.serial).toBe(octets.toUpperCase());
  });

  it('takes a request that fills the bound to the last octet', () => {
    const filled = (length: number) => withExtensions(extension(UNKNOWN, false, Buffer.alloc(length)));
    const room = MAX_REQUEST_BYTES - filled(60_000).length + 60_000;
    expect(filled(room)).toHaveLength(MAX_REQUEST_BYTES);
    expect(parseRequest(filled(room)).certificates).toHaveLength(1);
    expect(() => parseRequest(filled(room + 1))).toThrow(MalformedRequest);
  });

  const good = request(one);
  const many = (count: number) => request(asks(...Array.from({ length: count }, () => sequence(certId))));
  const patched = (at: number, ...octets: number[]) => Buffer.concat([good.subarray(0, at), Buffer.from(octets)]);
  const deep = (levels: number) => {
    let value = nothing();
    for (let i = 0; i < levels; i += 1) value = explicit(4, value);
    return value;
  };

  it.each<[string, Buffer]>([
    ['nothing at all', Buffer.alloc(0)],
    ['a megabyte', Buffer.alloc(1 << 20, 0x30)],
    ['text', Buffer.from('<html>not an OCSP request</html>')],
    ['no certificate', request(asks())],
    ['101 certificates', many(101)],
    ['1,000 certificates', many(1_000)],
    ['octets behind the end', Buffer.concat([good, Buffer.of(0)])],
    ['the last octet missing', good.subarray(0, -1)],
    ['an indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(2), Buffer.of(0, 0)])],
    ['an indefinite length in the ignored name', request(explicit(1, Buffer.of(0xa4, 0x80, 0, 0)), one)],
    ['a length longer than it need be', Buffer.concat([patched(1, 0x81), good.subarray(1)])],
    ['a length beyond the end', Buffer.of(0x30, 0x86, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['nesting without end', request(explicit(1, deep(5_000)), one)],
    ['a version that is the default', request(explicit(0, integer(0)), one)],
    ['version 2', request(explicit(0, integer(1)), one)],
    ['an unknown member', request(one, explicit(3, nothing()))],
    ['members in the wrong order', request(one, explicit(1, sequence()))],
    ['an empty name', request(explicit(1), one)],
    ['two names', request(explicit(1, sequence(), sequence()), one)],
    ['a name that is no GeneralName', request(explicit(1, sequence(sequence(oid(UNKNOWN)))), one)],
    ['a directoryName that is no Name', request(explicit(1, explicit(4, integer(1))), one)],
    ['an empty serial number', ofSerial('')],
    ['a padded serial number', ofSerial('0001')],
    ['a padded negative serial number', ofSerial('ff80')],
    ['a CertID with more in it', request(asks(sequence(sequence(sha1, hash, hash, integer(5), nothing()))))],
    ['a hash without an identifier', request(asks(sequence(sequence(sequence(), hash, hash, integer(5)))))],
    [
      'a hash with two parameters',
      request(asks(sequence(sequence(sequence(sha1.subarray(2), nothing()), hash, hash, integer(5))))),
    ],
    ['more behind the CertID', request(asks(sequence(certId, nothing())))],
    ['a nonce of no octets', withExtensions(nonce(octetString(Buffer.alloc(0))))],
    ['a nonce of 129 octets', withExtensions(nonce(octetString(Buffer.alloc(129))))],
    ['a nonce without its own type', withExtensions(nonce(Buffer.alloc(16, 1)))],
    ['a nonce with something behind it', withExtensions(nonce(Buffer.concat([octetString(Buffer.of(1)), nothing()])))],
    ['two nonces', withExtensions(nonce(octetString(Buffer.of(1))), nonce(octetString(Buffer.of(2))))],
    ['no extension in a list of them', withExtensions()],
    ['an extension twice', withExtensions(extension(UNKNOWN, false, nothing()), extension(UNKNOWN, false, nothing()))],
    ['a critical extension nobody knows', withExtensions(extension(UNKNOWN, true, nothing()))],
    [
      'a critical extension for one certificate',
      request(asks(sequence(certId, explicit(0, sequence(extension(UNKNOWN, true, nothing())))))),
    ],
    [
      'a nonce for one certificate, critical',
      request(asks(sequence(certId, explicit(0, sequence(nonce(octetString(Buffer.of(1)), true)))))),
    ],
    [
      'a criticality that says FALSE',
      withExtensions(sequence(oid(UNKNOWN), tlv(0x01, Buffer.of(0)), octetString(nothing()))),
    ],
    ['a criticality of 01', withExtensions(sequence(oid(UNKNOWN), tlv(0x01, Buffer.of(1)), octetString(nothing())))],
    [
      'no basic response wanted',
      withExtensions(extension(OCSP_OID.acceptableResponses, false, sequence(oid(UNKNOWN)))),
    ],
    ['a signature that is none', sequence(sequence(one), explicit(0, sequence(sha1)))],
    [
      'a signature of no algorithm',
      sequence(sequence(one), explicit(0, sequence(sequence(), tlv(0x03, Buffer.of(0))))),
    ],
    [
      'two signatures',
      sequence(sequence(one), ...[0, 0].map((n) => explicit(n, sequence(sha1, tlv(0x03, Buffer.of(0)))))),
    ],
  ])('refuses %s', (_what, der) => {
    expect(() => parseRequest(der)).toThrow(MalformedRequest);
  });

  it('refuses every beginning of a request', () => {
    const whole = withExtensions(nonce(octetString(Buffer.of(1))));
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => parseRequest(whole.subarray(0, length))).toThrow(MalformedRequest);
    }
  });
});
