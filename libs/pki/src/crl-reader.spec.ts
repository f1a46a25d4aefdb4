import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCrl, verifyCrl } from './crl-reader.js';
import type { CrlEntry } from './crl-reasons.js';
import { writeCrl } from './crl-writer.js';
import { bitString, boolean, enumerated, explicit, integer, octetString, oid, sequence, time, tlv } from './der.js';
import { SIGNATURE_ALGORITHMS } from './keys.js';
import { openssl, testAuthority, type TestAuthority } from './testing.js';

const CUT = new Date('2026-11-21T16:00:00Z');
const NEXT = new Date('2026-11-22T22:00:00Z');
const ENTRY: CrlEntry = { serial: '5A'.repeat(16), revocationDate: CUT, reason: 'certificateHold' };
const ALGORITHM = SIGNATURE_ALGORITHMS['ecdsa-sha384'].identifier;

let authority: TestAuthority;
let file: string;
beforeAll(async () => {
  authority = await testAuthority();
  file = join(authority.dir, 'list.crl');
});
afterAll(() => authority.remove());

async function readAll(path = file): Promise<CrlEntry[]> {
  const { list } = await verifyCrl(path, authority.issuing.der);
  const entries: CrlEntry[] = [];
  for await (const entry of list.entries()) entries.push(entry);
  return entries;
}

async function writeGood(entries: CrlEntry[] = [ENTRY]): Promise<Buffer> {
  const signer = await authority.issuing.signer();
  const { issuing: issuer } = authority;
  await writeCrl({ signer, issuer, number: 42n, thisUpdate: CUT, nextUpdate: NEXT, entries, file });
  return readFile(file);
}

const extension = (type: string, value: Buffer, critical = false) =>
  critical ? sequence(oid(type), boolean(true), octetString(value)) : sequence(oid(type), octetString(value));
const reason = (code: number) => extension('2.5.29.21', enumerated(code));
const entryOf = (...extensions: Buffer[]) =>
  sequence(
    integer(BigInt(`0x${ENTRY.serial}`)),
    time(CUT),
    ...(extensions.length > 0 ? [sequence(...extensions)] : []),
  );

interface Parts {
  version: Buffer[];
  algorithm: Buffer[];
  issuer: Buffer[];
  dates: Buffer[];
  entries: Buffer[];
  extensions: Buffer[];
}

/** A list of these parts, with a right signature whatever they are. */
async function writeParts(over: Partial<Parts> & { outer?: Buffer } = {}): Promise<void> {
  const { outer, ...parts } = over;
  const good: Parts = {
    version: [integer(1)],
    algorithm: [ALGORITHM],
    issuer: [authority.issuing.nameDer],
    dates: [time(CUT), time(NEXT)],
    entries: [sequence(entryOf(reason(6)))],
    extensions: [explicit(0, sequence(aki(), extension('2.5.29.20', integer(42))))],
  };
  const tbs = sequence(...Object.values({ ...good, ...parts } as Parts).flat());
  const signature = await (await authority.issuing.signer()).sign(tbs);
  await writeFile(file, sequence(tbs, outer ?? ALGORITHM, bitString(signature)));
}
const aki = (ski = authority.issuing.ski) => extension('2.5.29.35', sequence(tlv(0x80, ski)));

describe('the second reader', () => {
  it('gives what the list says', async () => {
    await writeGood();
    const list = await readCrl(file);
    expect(list.issuer).toEqual(authority.issuing.nameDer);
    expect(list.authorityKeyId).toEqual(authority.issuing.ski);
    expect([list.number, list.thisUpdate, list.nextUpdate]).toEqual([42n, CUT, NEXT]);
    expect(await readAll()).toEqual([ENTRY]);
  });

  it('reads lists over many pieces', async () => {
    const many = Array.from({ length: 50_000 }, (_, i): CrlEntry => {
      const serial = (i + 1).toString(16).toUpperCase().padStart(32, '7');
      return i % 2 ? { ...ENTRY, serial } : { serial, revocationDate: CUT };
    });
    await writeGood(many);
    const list = await readCrl(file);
    let next = 0;
    let batches = 0;
    for await (const batch of list.batches()) {
      expect(JSON.stringify(batch) === JSON.stringify(many.slice(next, next + batch.length))).toBe(true);
      next += batch.length;
      batches += 1;
    }
    expect(next).toBe(many.length);
    expect(batches).toBeGreaterThan(1);
  });

  it('reads a list that openssl made', async () => {
    const dir = authority.dir;
    const path = (name: string) => join(dir, name);
    await writeFile(
      path('ca.cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${path('index.txt')}\ncrlnumber=${path('number')}\ndefault_md=sha256\ndefault_crl_days=1\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n`,
    );
    await writeFile(
      path('index.txt'),
      `R\t311121155959Z\t261121155000Z,keyCompromise\t${ENTRY.serial}\tunknown\t/CN=x\n`,
    );
    await writeFile(path('number'), '0102\n');
    const keyPass = `file:${join(dir, 'ca', 'passphrase')}`;
    await writeFile(path('ca.pem'), authority.issuing.pem);
    await openssl(
      'ca',
      '-gencrl',
      '-config',
      path('ca.cnf'),
      '-cert',
      path('ca.pem'),
      '-passin',
      keyPass,
      '-keyfile',
      join(dir, 'ca', 'issuing.key.pem'),
      '-out',
      path('o.pem'),
    );
    await openssl('crl', '-in', path('o.pem'), '-outform', 'der', '-out', path('o.crl'));
    const { list } = await verifyCrl(path('o.crl'), authority.issuing.der);
    expect(list.number).toBe(0x102n);
    const revocationDate = new Date('2026-11-21T15:50:00Z');
    for await (const entry of list.entries())
      expect(entry).toEqual({ ...ENTRY, revocationDate, reason: 'keyCompromise' });
  });

  it('reads the list the malformed ones below are made from', async () => {
    await writeParts();
    expect(await readAll()).toEqual([ENTRY]);
  });

  it('takes a known invalidityDate and unknown extensions that are not critical', async () => {
    const invalidity = extension('2.5.29.24', tlv(0x18, Buffer.from('20260101000000Z')));
    const entries = [sequence(entryOf(reason(1), invalidity, extension('1.2.3', integer(1))))];
    await writeParts({ entries });
    expect(await readAll()).toEqual([
      {
        serial: ENTRY.serial,
        revocationDate: CUT,
        reason: 'keyCompromise',
        invalidityDate: new Date('2026-01-01T00:00:00Z'),
      },
    ]);
  });

  const number = extension('2.5.29.20', integer(42));
  const listWith = (...extensions: Buffer[]) => [explicit(0, sequence(...extensions))];
  const malformed: [string, () => Parameters<typeof writeParts>[0], RegExp][] = [
    ['v1', () => ({ version: [integer(0)] }), /not a v2/],
    ['no version', () => ({ version: [] }), /where 2 belongs/],
    ['two algorithms', () => ({ outer: SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifier }), /two signature algorithms/],
    ['an unknown algorithm', () => ({ algorithm: [sequence(oid('1.2.840.113549.1.1.5'))] }), /unknown signature/],
    ['no nextUpdate', () => ({ dates: [time(CUT)] }), /belongs/],
    ['nextUpdate before thisUpdate', () => ({ dates: [time(NEXT), time(CUT)] }), /not after thisUpdate/],
    [
      'a GeneralizedTime before 2050',
      () => ({ dates: [tlv(0x18, Buffer.from('20261121160000Z')), time(NEXT)] }),
      /before 2050/,
    ],
    ['an empty revokedCertificates', () => ({ entries: [sequence()] }), /empty revokedCertificates/],
    ['no extensions', () => ({ extensions: [] }), /belongs|too early|longer/],
    ['no CRLNumber', () => ({ extensions: listWith(aki()) }), /no CRLNumber/],
    ['no AKI', () => ({ extensions: listWith(number) }), /no AKI/],
    ['CRLNumber twice', () => ({ extensions: listWith(aki(), number, number) }), /twice/],
    [
      'a critical unknown extension',
      () => ({ extensions: listWith(aki(), number, extension('2.5.29.28', sequence(), true)) }),
      /critical/,
    ],
    [
      'a critical delta indicator',
      () => ({ extensions: listWith(aki(), number, extension('2.5.29.27', integer(1), true)) }),
      /critical/,
    ],
    [
      'critical FALSE in full',
      () => ({ extensions: listWith(aki(), sequence(oid('2.5.29.20'), boolean(false), octetString(integer(1)))) }),
      /BOOLEAN/,
    ],
    [
      'a number of 21 octets',
      () => ({ extensions: listWith(aki(), extension('2.5.29.20', integer(1n << 160n))) }),
      /20 octets/,
    ],
    [
      'octets behind the number',
      () => ({ extensions: listWith(aki(), extension('2.5.29.20', Buffer.concat([integer(1), integer(1)]))) }),
      /behind/,
    ],
    ['more behind the extensions', () => ({ extensions: [...listWith(aki(), number), integer(1)] }), /behind/],
  ];
  it.each(malformed)('refuses %s', async (_, over, problem) => {
    await writeParts(over());
    await expect(readAll()).rejects.toMatchObject({ code: 'crlMalformed', message: expect.stringMatching(problem) });
  });

  const hex = (text: string) => Buffer.from(text, 'hex');
  const wrongEntries: [string, () => Buffer, RegExp][] = [
    ['a negative serial', () => sequence(hex('0210' + '80'.repeat(16)), time(CUT)), /serial/],
    ['a padded serial', () => sequence(hex('021000' + '01'.repeat(15)), time(CUT)), /serial/],
    ['serial 0', () => sequence(integer(0), time(CUT)), /serial/],
    ['a serial of 21 octets', () => sequence(hex('0215' + '01'.repeat(21)), time(CUT)), /serial/],
    ['reason unspecified', () => entryOf(reason(0)), /reasonCode/],
    ['reason 7', () => entryOf(reason(7)), /reasonCode/],
    ['removeFromCRL', () => entryOf(reason(8)), /reasonCode/],
    ['reason 11', () => entryOf(reason(11)), /reasonCode/],
    ['a reason twice', () => entryOf(reason(6), reason(6)), /twice/],
    ['a critical reason', () => entryOf(extension('2.5.29.21', enumerated(6), true)), /critical/],
    ['a critical certificateIssuer', () => entryOf(extension('2.5.29.29', sequence(), true)), /critical/],
    ['no extension in a list of them', () => sequence(integer(5), time(CUT), sequence()), /empty list/],
    ['more behind the extensions', () => sequence(integer(5), time(CUT), sequence(reason(6)), integer(1)), /behind/],
    ['an entry that is no SEQUENCE', () => integer(5), /belongs/],
    ['an entry longer than the list', () => hex('3082ffff0201'), /longer|early/],
    ['a date with a fraction', () => sequence(integer(5), tlv(0x18, Buffer.from('20500101000000.5Z'))), /time/],
  ];
  it.each(wrongEntries)('refuses an entry with %s', async (_, entry, problem) => {
    await writeParts({ entries: [sequence(entryOf(reason(6)), entry())] });
    await expect(readAll()).rejects.toMatchObject({ code: 'crlMalformed', message: expect.stringMatching(problem) });
  });

  it('refuses a list with one octet changed, cut off or added, wherever that is', async () => {
    const good = await writeGood([ENTRY, { ...ENTRY, serial: '01'.repeat(16) }]);
    const refused = { code: expect.stringMatching(/^crl(Malformed|Signature)$/) };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(good);
        changed[at]! ^= change;
        await writeFile(file, changed);
        await expect(readAll()).rejects.toMatchObject(refused);
        await writeFile(file, good.subarray(0, at));
        await expect(readAll()).rejects.toMatchObject(refused);
      }),
      { numRuns: 100 },
    );
    await writeFile(file, Buffer.concat([good, Buffer.of(0)]));
    await expect(readAll()).rejects.toMatchObject(refused);
  });

  it('refuses lists of another issuer or key, and certificates that sign no lists', async () => {
    await writeGood();
    await expect(verifyCrl(file, authority.root.der)).rejects.toMatchObject({ code: 'crlSignature' });
    const other = await testAuthority();
    await expect(verifyCrl(file, other.issuing.der)).rejects.toMatchObject({
      code: 'crlSignature',
      message: /another key/,
    });
    await other.remove();
    await writeParts({ extensions: listWith(aki(Buffer.alloc(20)), number) });
    await expect(readAll()).rejects.toMatchObject({ code: 'crlSignature' });
  });
});
