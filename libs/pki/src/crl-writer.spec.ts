import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Enumerated, GeneralizedTime, Integer, OctetString, type Sequence } from 'asn1js';
import fc from 'fast-check';
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  CertificateRevocationList,
  Extension,
  Extensions,
  RelativeDistinguishedNames,
  RevokedCertificate,
  Time,
} from 'pkijs';
import { newSerial } from './certificate.js';
import { verifyCrl } from './crl-reader.js';
import { CRL_REASONS, type CrlColumns, type CrlEntry, type CrlReason } from './crl-reasons.js';
import { writeCrl, type CrlOptions } from './crl-writer.js';
import { DerReader } from './der-reader.js';
import { openssl, testAuthority, type TestAuthority } from './testing.js';

const CUT = new Date('2026-11-21T16:00:00Z');
const NEXT = new Date('2026-11-22T22:00:00Z');
const LONG_AGO = new Date('2019-01-02T03:04:05Z');
const REASONS = Object.keys(CRL_REASONS) as CrlReason[];

let authority: TestAuthority;
let file: string;
beforeAll(async () => {
  authority = await testAuthority();
  file = join(authority.dir, 'complete.crl');
});
afterAll(() => authority.remove());

async function write(entries: CrlOptions['entries'], over: Partial<CrlOptions> = {}) {
  const signer = await authority.issuing.signer();
  return writeCrl({
    signer,
    issuer: authority.issuing,
    number: 7n,
    thisUpdate: CUT,
    nextUpdate: NEXT,
    entries,
    file,
    ...over,
  });
}

/** `count` entries, different in serial, date and reason. */
function someEntries(count: number): CrlEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    serial: `5A${i.toString(16).toUpperCase().padStart(30, '0')}`,
    revocationDate: new Date(CUT.getTime() - i * 1_357_000),
    reason: REASONS[i % REASONS.length]!,
  }));
}

const rest = ({ reason, ...entry }: CrlEntry) => (reason === 'unspecified' ? entry : { ...entry, reason });

async function readBack(): Promise<CrlEntry[]> {
  const { list } = await verifyCrl(file, authority.issuing.der);
  const read: CrlEntry[] = [];
  for await (const entry of list.entries()) read.push(entry);
  return read;
}

/** The same TBSCertList built by pkijs. */
function byPkijs(entries: CrlEntry[], number: bigint, thisUpdate = CUT, nextUpdate = NEXT): Buffer {
  const list = new CertificateRevocationList();
  const time = (at: Date) => new Time({ type: at.getUTCFullYear() < 2050 ? 0 : 1, value: at });
  list.version = 1;
  list.signature = new AlgorithmIdentifier({ algorithmId: '1.2.840.10045.4.3.3' });
  list.issuer = RelativeDistinguishedNames.fromBER(authority.issuing.nameDer);
  list.thisUpdate = time(thisUpdate);
  list.nextUpdate = time(nextUpdate);
  if (entries.length > 0) {
    list.revokedCertificates = entries.map(({ serial, revocationDate, reason = 'unspecified', invalidityDate }) => {
      const extensions: Extension[] = [];
      const add = (extnID: string, value: Enumerated | GeneralizedTime) =>
        extensions.push(new Extension({ extnID, extnValue: value.toBER() }));
      if (reason !== 'unspecified') add('2.5.29.21', new Enumerated({ value: CRL_REASONS[reason] }));
      if (invalidityDate) add('2.5.29.24', new GeneralizedTime({ valueDate: invalidityDate }));
      return new RevokedCertificate({
        userCertificate: new Integer({ valueHex: Buffer.from(serial, 'hex') }),
        revocationDate: time(revocationDate),
        ...(extensions.length > 0 && { crlEntryExtensions: new Extensions({ extensions }) }),
      });
    });
  }
  const keyIdentifier = new OctetString({ valueHex: authority.issuing.ski });
  const aki = new AuthorityKeyIdentifier({ keyIdentifier }).toSchema().toBER();
  list.crlExtensions = new Extensions({
    extensions: [
      new Extension({ extnID: '2.5.29.35', extnValue: aki }),
      new Extension({ extnID: '2.5.29.20', extnValue: Integer.fromBigInt(number).toBER() }),
    ],
  });
  return Buffer.from((list as unknown as { encodeTBS(): Sequence }).encodeTBS().toBER());
}

async function writtenTbs(): Promise<Buffer> {
  const list = new DerReader(await readFile(file));
  list.enter(0x30);
  return list.whole(0x30);
}

describe('writeCrl', () => {
  it.each([0, 1, 2, 3, 5, 6, 127, 128, 255, 256, 1_337])(
    'signs the very bytes pkijs would, with %i entries',
    async (count) => {
      const entries = someEntries(count);
      await write(entries);
      expect((await writtenTbs()).equals(byPkijs(entries, 7n))).toBe(true);
    },
  );

  it('signs the very bytes pkijs would, whatever the entries are', async () => {
    const date = fc.integer({ min: -631_152_000, max: CUT.getTime() / 1_000 }).map((s) => new Date(s * 1_000));
    const entry = fc.record(
      {
        serial: fc.nat().map(newSerial),
        revocationDate: date,
        reason: fc.constantFrom(...REASONS),
        invalidityDate: date,
      },
      { requiredKeys: ['serial', 'revocationDate'] },
    );
    const number = fc.bigInt({ min: 0n, max: (1n << 159n) - 1n });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 40 }), number, async (entries, n) => {
        await write(entries, { number: n });
        expect((await writtenTbs()).equals(byPkijs(entries, n))).toBe(true);
        expect(await readBack()).toEqual(entries.map(rest));
      }),
      { numRuns: 25 },
    );
  });

  it('says what it wrote', async () => {
    const written = await write(someEntries(300));
    const der = await readFile(file);
    const sha256 = createHash('sha256').update(der).digest('hex');
    expect(written).toEqual({ bytes: der.length, count: 300, sha256 });
    expect(await verifyCrl(file, authority.issuing.der)).toMatchObject({ sha256 });
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  it('has no revokedCertificates at all when nothing is revoked', async () => {
    await write([]);
    const text = await openssl('crl', '-inform', 'der', '-in', file, '-noout', '-text');
    expect(text).toContain('No Revoked Certificates.');
    expect(await readBack()).toEqual([]);
  });

  it('is read and verified by openssl', async () => {
    await write([
      { serial: '7F'.repeat(16), revocationDate: new Date('2026-11-21T15:50:00.999Z'), reason: 'certificateHold' },
      { serial: '02'.repeat(16), revocationDate: CUT, reason: 'keyCompromise', invalidityDate: LONG_AGO },
      { serial: '03'.repeat(16), revocationDate: CUT, invalidityDate: LONG_AGO },
      { serial: '01'.repeat(16), revocationDate: CUT },
    ]);
    const ca = join(authority.dir, 'issuing.pem');
    await writeFile(ca, authority.issuing.pem);
    const text = await openssl('crl', '-inform', 'der', '-in', file, '-CAfile', ca, '-noout', '-text');
    expect(text).toContain('verify OK');
    expect(text).toContain('Version 2 (0x1)');
    expect(text).toContain('Last Update: Nov 21 16:00:00 2026 GMT');
    expect(text).toContain('Next Update: Nov 22 22:00:00 2026 GMT');
    expect(text).toMatch(/X509v3 CRL Number: \s+7\n/);
    expect(text).toMatch(
      /Serial Number: (7F){16}\s+Revocation Date: Nov 21 15:50:00 2026 GMT\s+CRL entry extensions:\s+X509v3 CRL Reason Code: \s+Certificate Hold/,
    );
    expect(text).toMatch(
      /Serial Number: (02){16}\s+Revocation Date: Nov 21 16:00:00 2026 GMT\s+CRL entry extensions:\s+X509v3 CRL Reason Code: \s+Key Compromise\s+Invalidity Date: \s+Jan {2}2 03:04:05 2019 GMT/,
    );
    expect(text).toMatch(
      /Serial Number: (03){16}\s[^:]+: [^:]+:[^:]+:[^:]+:\s+Invalidity Date: \s+Jan {2}2 03:04:05 2019/,
    );
    expect(text).toMatch(/Serial Number: (01){16}\s+Revocation Date: Nov 21 16:00:00 2026 GMT\s+Signature/);
  });

  it('takes entries one by one, in arrays and in columns, at once or in time, all with the same result', async () => {
    const entries = someEntries(30_000) // more than one buffer
      .map((entry, i) => (i % 3 ? entry : { ...entry, invalidityDate: new Date(LONG_AGO.getTime() + i * 1_000) }));
    const columns: CrlColumns = {
      count: entries.length,
      serials: Buffer.concat(entries.map(({ serial }) => Buffer.from(serial, 'hex'))),
      revocationSeconds: entries.map(({ revocationDate }) => revocationDate.getTime() / 1_000),
      reasons: Uint8Array.from(entries, ({ reason }) => CRL_REASONS[reason!]),
      invaliditySeconds: entries.map(({ invalidityDate }) => (invalidityDate?.getTime() ?? Number.NaN) / 1_000),
    };
    async function* inTime() {
      yield entries[0]!;
      yield entries.slice(1, 20_000);
      yield [];
      yield* entries.slice(20_000);
    }
    await write(entries);
    const expected = await writtenTbs();
    for (const source of [[entries], [columns], inTime()]) {
      expect((await write(source)).count).toBe(entries.length);
      expect((await writtenTbs()).equals(expected)).toBe(true);
    }
  });

  it('crosses 2050 in the dates of the list and of its entries', async () => {
    const [thisUpdate, nextUpdate] = [new Date('2049-12-31T23:59:59Z'), new Date('2050-01-01T00:00:00Z')];
    const before: CrlEntry[] = [{ serial: newSerial(), revocationDate: thisUpdate, reason: 'superseded' }];
    await write(before, { thisUpdate, nextUpdate });
    expect((await writtenTbs()).equals(byPkijs(before, 7n, thisUpdate, nextUpdate))).toBe(true);
    const later = new Date('2050-06-01T00:00:00Z');
    const both: CrlEntry[] = [...before, { serial: newSerial(), revocationDate: nextUpdate, reason: 'keyCompromise' }];
    await write(both, { thisUpdate: nextUpdate, nextUpdate: later });
    expect((await writtenTbs()).equals(byPkijs(both, 7n, nextUpdate, later))).toBe(true);
    expect(await readBack()).toEqual(both);
  });

  it('refuses numbers that are negative or longer than 20 octets', async () => {
    for (const number of [-1n, 1n << 159n])
      await expect(write([], { number })).rejects.toMatchObject({ code: 'crlMalformed' });
    for (const number of [0n, (1n << 159n) - 1n]) {
      await write([], { number });
      expect((await verifyCrl(file, authority.issuing.der)).list.number).toBe(number);
    }
  });

  it('refuses dates that are not whole seconds or out of order, and a key that is not the issuer’s', async () => {
    const wrong: Partial<CrlOptions>[] = [
      { thisUpdate: new Date(CUT.getTime() + 1) },
      { nextUpdate: new Date(NEXT.getTime() + 999) },
      { nextUpdate: CUT },
      { nextUpdate: new Date(Number.NaN) },
      { issuer: authority.root },
    ];
    for (const over of wrong) await expect(write([], over)).rejects.toMatchObject({ code: 'crlMalformed' });
  });

  const good = someEntries(1)[0]!;
  const wrongEntries: [string, Partial<Record<keyof CrlEntry, unknown>>][] = [
    ['a serial of 15 octets', { serial: '01'.repeat(15) }],
    ['a serial of 17 octets', { serial: '01'.repeat(17) }],
    ['a serial that begins with 00', { serial: '00'.repeat(16) }],
    ['a serial that would be negative', { serial: '80'.repeat(16) }],
    ['a serial in lower case', { serial: 'ab'.repeat(16).replace('ab', '0a') }],
    ['a serial that is not hex', { serial: `01${'G'.repeat(30)}` }],
    ['a serial in full-width digits', { serial: `01${'０'.repeat(30)}` }],
    ['a date after thisUpdate', { revocationDate: new Date(CUT.getTime() + 1_000) }],
    ['a date that is none', { revocationDate: new Date(Number.NaN) }],
    ['a date before 1950', { revocationDate: new Date('1949-12-31T23:59:59Z') }],
    ['an invalidityDate after thisUpdate', { invalidityDate: new Date(CUT.getTime() + 1_000) }],
    ['an invalidityDate that is none', { invalidityDate: new Date(Number.NaN) }],
    ['a reason there is not', { reason: 'removeFromCRL' }],
  ];

  it.each(wrongEntries)('refuses %s, and leaves the list before in place and nothing beside it', async (_, over) => {
    await write([good]);
    const before = await readFile(file);
    const names = await readdir(authority.dir);
    const entry = { ...good, ...over } as CrlEntry;
    await expect(write([good, entry])).rejects.toMatchObject({ code: 'crlMalformed' });
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(authority.dir)).toEqual(names);
  });

  it('leaves nothing behind when its source or its signer fails', async () => {
    await write([good]);
    const names = await readdir(authority.dir);
    const before = await readFile(file);
    async function* failing() {
      yield someEntries(30_000);
      throw new Error('the database went away');
    }
    await expect(write(failing())).rejects.toThrow('the database went away');
    const signer = await authority.issuing.signer();
    const broken = {
      ...signer,
      algorithm: signer.algorithm,
      publicKey: signer.publicKey,
      sign: () => Promise.reject(new Error()),
    };
    const begin = () => ({ update: () => undefined, end: () => Promise.reject(new Error('token gone')) });
    await expect(write([good], { signer: { ...broken, begin } })).rejects.toThrow('token gone');
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(authority.dir)).toEqual(names);
  });

  it.each([1_339, 65_536])('keeps its lengths right at %i entries', async (count) => {
    const entries = someEntries(count);
    await write([entries]);
    expect(JSON.stringify(await readBack()) === JSON.stringify(entries.map(rest))).toBe(true);
  });
});
