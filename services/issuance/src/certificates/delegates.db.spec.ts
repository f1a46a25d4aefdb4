import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { createDelegateRequest, isValidAt, openDelegate } from '#libs/ocsp';
import { algorithmOf, type Signer } from '#libs/pki';
import { IssuanceBench } from '../issuance.fixture.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
}, 60_000);

interface Key extends Signer {
  privateKey: KeyObject;
}

const signerOf = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Key =>
  ({
    ...{
      algorithm: publicKey.asymmetricKeyType === 'rsa' ? 'rsa-sha256' : algorithmOf(publicKey),
      publicKey,
      privateKey,
    },
    sign: (tbs: Uint8Array) => Promise.resolve(sign('sha256', tbs, privateKey)),
  }) as unknown as Key;
const p256 = () => signerOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const rsa = (modulusLength: number) => signerOf(generateKeyPairSync('rsa', { modulusLength }));
const ask = (csr: unknown, subject = 'service:status-query') =>
  bench.call('POST', '/api/v1/ocsp-delegates', { body: { csr }, role: 'service', subject });
const requestOf = async (key: Key) => (await createDelegateRequest(key)).toString('base64');
const derOf = (body: Record<string, unknown>) => Buffer.from(body['certificate'] as string, 'base64');

describe('an OCSP delegate', () => {
  it.each(['p-256', 'rsa-2048'])('with a %s key is certified for the issuing CA', async (kind) => {
    const key = kind === 'p-256' ? p256() : rsa(2_048);
    const { status, body } = await ask(await requestOf(key));
    expect(status).toBe(200);
    const der = derOf(body);
    const delegate = openDelegate(der, bench.authority.issuing, key);
    expect(isValidAt(delegate, bench.clock.now())).toBe(true);
    const certificate = new X509Certificate(der);
    expect(certificate.verify(bench.authority.issuing.publicKey)).toBe(true);
    expect(certificate.subject).toBe('C=TW\nO=kaika\nCN=OCSP responder');
    expect(new Date(certificate.validFrom) >= bench.authority.issuing.notBefore).toBe(true);
    expect(new Date(certificate.validFrom) <= bench.clock.now()).toBe(true);
  });

  it('asked for again gets the same certificate, also at once', async () => {
    const csr = await requestOf(p256());
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(csr)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body['certificate'])).size).toBe(1);
    // ECDSA: the request itself is signed anew, and is for the same key.
    expect((await ask(csr)).body).toEqual(answers[0]!.body);
  });

  it('has its serial and bytes stored, and the signature is over those bytes', async () => {
    const { body } = await ask(await requestOf(p256()));
    const der = derOf(body);
    const { serialNumber } = new X509Certificate(der);
    const [row] = (await bench.source.query(
      'select d.tbs, d.der, d.requested_by from serial join delegate_certificate d using (serial) where serial = $1',
      [serialNumber],
    )) as [{ tbs: Buffer; der: Buffer; requested_by: string }];
    expect(row.requested_by).toBe('service:status-query');
    expect(row.der).toEqual(der);
    expect(der.includes(row.tbs)).toBe(true);
  });

  it('intended and not signed is signed from the stored bytes', async () => {
    const key = p256();
    const csr = await requestOf(key);
    const first = new X509Certificate(derOf((await ask(csr)).body));
    await bench.source.query('update delegate_certificate set der = null, signed_at = null where serial = $1', [
      first.serialNumber,
    ]);
    const second = new X509Certificate(derOf((await ask(csr)).body));
    expect(second.serialNumber).toBe(first.serialNumber);
    expect(second.validFrom).toBe(first.validFrom);
  });

  it('of an expired certificate gets a new one', async () => {
    const csr = await requestOf(p256());
    const first = new X509Certificate(derOf((await ask(csr)).body));
    await bench.source.query(`update delegate_certificate set not_after = $2 where serial = $1`, [
      first.serialNumber,
      bench.clock.now(),
    ]);
    const second = new X509Certificate(derOf((await ask(csr)).body));
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });
});

describe('a request for a delegate', () => {
  it.each<[string, () => Promise<unknown> | unknown, number]>([
    ['nothing', () => undefined, 400],
    ['an empty text', () => '', 400],
    ['a number', () => 7, 400],
    ['no base64', () => '%%%', 400],
    ['PEM', () => '-----BEGIN CERTIFICATE REQUEST-----', 400],
    ['more than 4096 octets', () => Buffer.alloc(5_000).toString('base64'), 400],
    ['rubbish', () => createHash('sha512').digest('base64'), 422],
    ['a small RSA key', () => requestOf(rsa(1_024)), 422],
    ['a large RSA key', () => requestOf(rsa(3_072)), 422],

    ['a key whose owner did not sign', async () => {
      const [mine, other] = [p256(), p256()];
      return requestOf({ ...mine, sign: other.sign });
    }, 422], // prettier-ignore
  ])('that is %s is refused by name', async (_what, csr, status) => {
    const answer = await ask(await csr());
    expect(answer.status).toBe(status);
    const type = status === 422 ? 'certificateRequestInvalid' : 'invalidRequest';
    expect(answer.body['type']).toBe(`urn:kaika:error:${type}`);
  });

  it('for the key of a CA is refused', async () => {
    // The small authority's keys are P-384, but for the card CA's.
    const { publicKey } = bench.authority.card;
    const signer = await bench.authority.card.signer();
    const csr = await createDelegateRequest({ ...p256(), publicKey, sign: (tbs) => signer.sign(tbs) });
    const { status, body } = await ask(csr.toString('base64'));
    expect([status, body['type']]).toEqual([422, 'urn:kaika:error:certificateRequestInvalid']);
  });

  it('comes from the service that answers OCSP alone', async () => {
    const csr = await requestOf(p256());
    expect((await ask(csr, 'acceptance')).status).toBe(403);
    const path = '/api/v1/ocsp-delegates';
    expect((await bench.call('POST', path, { body: { csr } })).status).toBe(401);
    for (const role of ['ca-officer', 'ca-operator', 'registration-office'] as const) {
      expect((await bench.call('POST', path, { body: { csr }, role, subject: 'service:status-query' })).status).toBe(
        403,
      );
    }
  });
});
