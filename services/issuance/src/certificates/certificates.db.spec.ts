import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { EventOf } from '#libs/events';
import { IssuanceBench, NATIONAL_ID, USER_CODE } from '../issuance.fixture.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();
let issued: EventOf<'certificate.issued'>['data'];
const SECOND_ID = '12345678';

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  const cardNumber = await bench.assignedCard({
    ...{ kind: 'business', name: '示範，"商"行', county: '台北市', certificateEmail: 'Cert@例え.example' },
    representative: { name: '王測試', nationalId: SECOND_ID, confirmed: true },
  });
  await bench.operate(`/cards/${cardNumber}/personalisation`, {});
  issued = (await bench.events('certificate.issued', cardNumber))[0]!.data;
}, 60_000);

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
const certificate = (which: keyof typeof issued.certificates) => Buffer.from(issued.certificates[which], 'base64');
function pemFile(name: string, der: Buffer): string {
  const path = bench.file(`${name}.pem`);
  writeFileSync(path, new X509Certificate(der).toString());
  return path;
}

describe('the certificates of a card', () => {
  it('are believed by openssl, up to the root', () => {
    const root = pemFile('root', bench.authority.root.der);
    const issuing = pemFile('issuing', bench.authority.issuing.der);
    const card = pemFile('card', bench.authority.card.der);
    for (const [which, ca] of [
      ['signature', issuing],
      ['encryption', issuing],
      ['cardAuthentication', card],
    ] as const) {
      const file = pemFile(which, certificate(which));
      expect(openssl('verify', '-x509_strict', '-CAfile', root, '-untrusted', ca, file)).toContain(': OK');
    }
  });

  it('say of the subscriber what the application said', () => {
    const text = openssl(
      'x509',
      '-noout',
      '-text',
      '-nameopt',
      'utf8,sep_comma_plus',
      '-in',
      pemFile('s', certificate('signature')),
    );
    expect(text).toContain('C=TW,L=臺北市,O=示範，"商"行');
    expect(text).toContain('email:Cert@xn--r8jz45g.example');
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toContain('URI:http://ca.example/crl/g1/complete.crl');
    expect(text).toContain(`CA Issuers - URI:http://ca.example/ca/${issued.issuerSki}.cer`);
    expect(text).not.toContain('Basic Constraints');
    const encryption = openssl('x509', '-noout', '-text', '-in', pemFile('e', certificate('encryption')));
    expect(encryption).toMatch(/Key Usage: critical\s+Key Encipherment, Data Encipherment\n/);
    expect(issued).toMatchObject({
      ...{ way: 'A', name: '示範，"商"行', ubn: '12345675', rank: 'primary', email: 'Cert@xn--r8jz45g.example' },
      subject: 'O=示範，\\"商\\"行,L=臺北市,C=TW',
    });
  });

  it('have the serials, times and keys that the event says, and end with the same Taipei day', () => {
    const [signature, encryption, card] = (['signature', 'encryption', 'cardAuthentication'] as const).map(
      (which) => new X509Certificate(certificate(which)),
    ) as [X509Certificate, X509Certificate, X509Certificate];
    expect(signature.serialNumber).toBe(issued.serials.signature);
    expect(encryption.serialNumber).toBe(issued.serials.encryption);
    expect(new Set([signature, encryption, card].map((c) => c.serialNumber)).size).toBe(3);
    for (const x509 of [signature, encryption, card]) {
      expect(Date.parse(x509.validFrom)).toBe(Date.parse(issued.notBefore));
      expect(Date.parse(x509.validTo)).toBe(Date.parse(issued.notAfter));
    }
    expect(issued.notAfter).toMatch(/T15:59:59\.000Z$/);
    const years = (Date.parse(issued.notAfter) - Date.parse(issued.notBefore)) / (365.25 * 86_400_000);
    expect(Math.round(years)).toBe(5);
    expect(card.subject).toBe(`CN=${issued.cardNumber}`);
    expect(card.subjectAltName).toBe(`URI:urn:uuid:${issued.cardUuid}`);
    expect(card.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(signature.publicKey.equals(encryption.publicKey)).toBe(false);
  });

  it('are never stored in an outbox row before their own transaction, nor twice under one serial', async () => {
    const insert = () => bench.source.query('insert into serial (serial) values ($1)', [issued.serials.signature]);
    await expect(insert()).rejects.toThrow(/duplicate key/);
    await expect(bench.source.query('delete from serial')).rejects.toThrow(/permission denied/);
    await expect(bench.source.query('delete from certificate')).rejects.toThrow(/permission denied/);
    const second = bench.source.query(
      `insert into certificate (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, intended_at)
       select serial, card_number, '9E', issuer_ski, 'intended', spki, not_before, not_after, tbs, intended_at
       from certificate where slot = '9C'`,
    );
    await expect(second).rejects.toThrow(/duplicate key/);
  });
});

describe('CA certificates', () => {
  it('are served in DER, whatever the case of their identifier', async () => {
    for (const ca of [bench.authority.root, bench.authority.issuing, bench.authority.card]) {
      for (const ski of [ca.skiHex, ca.skiHex.toLowerCase()]) {
        const { status, headers, body } = await bench.call('GET', `/ca/${ski}.cer`);
        expect(status).toBe(200);
        expect(headers.get('content-type')).toBe('application/pkix-cert');
        expect(body['bytes']).toEqual(ca.der);
      }
    }
  });

  it('that do not exist are not found', async () => {
    expect((await bench.call('GET', `/ca/${'0'.repeat(40)}.cer`)).status).toBe(404);
    for (const path of ['/ca/x.cer', `/ca/${bench.authority.root.skiHex}`, '/ca/..%2Froot.cer', '/ca/.cer']) {
      expect([400, 404]).toContain((await bench.call('GET', path)).status);
    }
  });
});

it('leaves no user code, national ID or contact in any table, event or line of the log', async () => {
  const wrong = `/api/v1/applications/${'K1150000000000'}`;
  await bench.call('GET', wrong, { headers: { 'x-user-code': USER_CODE } });
  await bench.apply({ userCode: `${USER_CODE}`, ubn: '1' });
  const dump = await bench.everythingStored();
  expect(dump).toContain(issued.cardNumber);
  for (const text of [dump, bench.log]) {
    for (const secret of [USER_CODE, NATIONAL_ID, '"12345678"', '王測試', '陳測試', 'contact@example.com', '02-2345']) {
      expect(text.includes(secret)).toBe(false);
      expect(text.includes(Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1))).toBe(false);
      expect(text.includes(Buffer.from(secret).toString('hex'))).toBe(false);
    }
  }
});
