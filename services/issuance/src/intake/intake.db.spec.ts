import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  CodeHasher,
  ensureSecretKey,
  openCredential,
  openRecord,
  representativeText,
  signDetached,
} from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { IssuanceBench, USER_CODE } from '../issuance.fixture.js';
import { BIRTH_DATE, combined, Office } from './intake.fixture.js';

let bench: IssuanceBench;
let office: Office;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  office = await Office.registered(bench, 'office-63');
}, 60_000);

const applications = async () =>
  ((await bench.source.query('select count(*)::int as n from application')) as [{ n: number }])[0].n;
const blankCards = async () => (await bench.operate('/card-stock')).body['blank'] as number;
const emptyStock = async () => {
  while ((await blankCards()) > 0) await office.push(combined());
};
const read = (caseNumber: unknown, as = office.name) =>
  bench.call('GET', `/api/v1/combined-applications/${String(caseNumber)}`, {
    role: 'registration-office',
    subject: as,
  });

describe('a combined application', () => {
  it('is approved as it comes and has a card, without anyone applying', async () => {
    await bench.stock(1);
    const { status, body } = await office.push(combined());
    expect({ status, body }).toEqual({ status: 201, body: { caseNumber: expect.any(String), state: 'approved' } });
    const caseNumber = body['caseNumber'] as string;
    expect(await bench.events('application.received', caseNumber)).toHaveLength(1);
    const [approved] = await bench.events('application.approved', caseNumber);
    expect((await read(caseNumber)).body).toMatchObject({ state: 'approved', cardNumber: approved!.data.cardNumber });
  });

  it('is issued for way B: the representative’s verifier goes to acceptance alone', async () => {
    await bench.stock(1);
    const { body } = await office.push(combined());
    const { cardNumber } = (await bench.events('application.approved', body['caseNumber'] as string))[0]!.data;
    expect((await bench.operate(`/cards/${cardNumber}/personalisation`, {})).status).toBe(200);
    const [issued] = await bench.events('certificate.issued', cardNumber);
    expect(issued!.data).toMatchObject({ way: 'B', ubn: '04595252', rank: 'primary' });
    const [credential] = await bench.events('credential.set', cardNumber);
    expect(credential!.data).toMatchObject({ kind: 'representative', generation: 1 });
    const { verifier } = await openCredential(bench.recipients.acceptance, credential!.data);
    const hasher = bench.service.app.get(CodeHasher);
    expect(await hasher.verify(verifier, representativeText('A123456789', BIRTH_DATE))).toBe(true);
    expect(await hasher.verify(verifier, representativeText('A123456789', '1987-02-22'))).toBe(false);
    await expect(openCredential(bench.recipients.suspension, credential!.data)).rejects.toThrow();
    await expect(
      openCredential(bench.recipients.acceptance, { ...credential!.data, kind: 'user-code' }),
    ).rejects.toThrow();
  });

  it('keeps the birth date in one form, whichever calendar it came in', async () => {
    const key = ensureSecretKey(bench.file('data-key'));
    for (const birthDate of ['1987-02-21', '0760221', '760221', { year: 76, month: 2, day: 21 }]) {
      const representative = { name: '王', nationalId: ' a123456789 ', birthDate };
      const { body } = await office.push(combined({ representative }));
      const id = body['caseNumber'] as string;
      const [row] = (await bench.source.query('select personal from application where case_number = $1', [id])) as [
        { personal: string },
      ];
      expect(await openRecord(key, { table: 'application', id }, row.personal)).toMatchObject({
        representative: { nationalId: 'A123456789', birthDate: BIRTH_DATE },
      });
    }
  });

  it('keeps what was signed, sealed', async () => {
    const raw = JSON.stringify(combined(), null, 3);
    const signature = await signDetached(office.keys, Buffer.from(raw));
    const id = (await office.push(raw, { signature })).body['caseNumber'] as string;
    const [row] = (await bench.source.query('select push from application where case_number = $1', [id])) as [
      { push: string },
    ];
    const key = ensureSecretKey(bench.file('data-key'));
    expect(await openRecord(key, { table: 'application', id }, row.push)).toEqual({
      body: Buffer.from(raw).toString('base64'),
      signature,
    });
  });

  it('with an unusual national ID waits for a confirmation', async () => {
    const representative = { name: 'Smith', nationalId: 'P1234567', birthDate: '1960-01-01' };
    expect(await office.push(combined({ representative }))).toMatchObject({
      status: 422,
      body: { type: 'urn:kaika:error:nationalIdUnusual', confirmable: true },
    });
    expect((await office.push(combined({ representative: { ...representative, confirmed: true } }))).status).toBe(201);
  });

  it('has no user code: its number and any code are answered like a case that does not exist', async () => {
    const { body } = await office.push(combined());
    const answer = await bench.call('GET', `/api/v1/applications/${String(body['caseNumber'])}`, {
      headers: { 'x-user-code': USER_CODE },
    });
    expect(answer).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:codeRefused' } });
  });

  it('is seen by the office that pushed it alone', async () => {
    const { body } = await office.push(combined());
    expect((await read(body['caseNumber'])).status).toBe(200);
    expect((await read(body['caseNumber'], 'office-64')).status).toBe(404);
  });
});

describe('a push', () => {
  it('repeated with its key is answered as before, and the key with other data is refused', async () => {
    const request = combined();
    const first = await office.push(request, { key: 'push-1' });
    const before = await applications();
    const again = await Promise.all(Array.from({ length: 5 }, () => office.push(request, { key: 'push-1' })));
    for (const { status, body } of again) expect({ status, body }).toEqual({ status: 201, body: first.body });
    for (const other of [combined(), { ...request, name: '別間公司' }]) {
      expect(await office.push(other, { key: 'push-1' })).toMatchObject({
        status: 422,
        body: { type: 'urn:kaika:error:idempotencyKeyReused' },
      });
    }
    expect(await applications()).toBe(before);
  });

  it('of one registration has one effect, with other keys and at once; other data are refused', async () => {
    const request = combined();
    const before = await applications();
    const answers = await Promise.all(Array.from({ length: 6 }, () => office.push(request)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body['caseNumber'])).size).toBe(1);
    expect(await office.push({ ...request, name: '別間公司' })).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:conflict', caseNumber: answers[0]!.body['caseNumber'] },
    });
    expect(await applications()).toBe(before + 1);
  });

  it('of two offices under the same key and number are two', async () => {
    const other = await Office.registered(bench, 'office-64', 'Ed25519');
    const request = combined();
    const [one, two] = [await office.push(request, { key: 'same' }), await other.push(request, { key: 'same' })];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body['caseNumber']).not.toBe(two.body['caseNumber']);
  });

  it('that this office did not sign is refused by name, and nothing is stored', async () => {
    const other = await Office.registered(bench, 'office-65');
    const stranger = await Office.create(bench, 'office-66');
    const before = await applications();
    const request = combined();
    const changed = JSON.stringify(request).replace('併案示範', '併案改造');
    const signature = await signDetached(office.keys, Buffer.from(JSON.stringify(request)));
    const refused = async (answer: ReturnType<Office['push']>, status: number, code: string) =>
      expect(await answer).toMatchObject({ status, body: { type: `urn:kaika:error:${code}` } });
    await refused(stranger.push(request), 403, 'officeKeyUnknown');
    await refused(other.push(request, { as: office.name }), 403, 'officeKeyUnknown');
    await refused(office.push(request, { as: other.name }), 403, 'officeKeyUnknown');
    await refused(office.push(changed, { signature }), 403, 'officeSignatureWrong');
    // The same JSON in other octets.
    await refused(office.push(JSON.stringify(request, null, 1), { signature }), 403, 'officeSignatureWrong');
    for (const rubbish of ['x', 'a.b.c', '..', 'AAAA..AAAA', 'x'.repeat(5_000)]) {
      await refused(office.push(request, { signature: rubbish }), 400, 'invalidRequest');
    }
    const unsigned = { body: request, role: 'registration-office', subject: office.name } as const;
    expect((await bench.call('POST', '/api/v1/combined-applications', unsigned)).status).toBe(400);
    expect(await office.push(request, { key: null })).toMatchObject({
      status: 400,
      body: { errors: [expect.objectContaining({ at: 'header:Idempotency-Key' })] },
    });
    expect(await applications()).toBe(before);
    expect((await office.push(JSON.stringify(request), { signature })).status).toBe(201);
  });

  const base = combined();
  const { representative, contact, registration } = base;
  it.each<[string, string, Record<string, unknown>]>([
    ['no registration', '/registration', { registration: undefined }],
    ['an unknown kind of registration', '/registration/kind', { registration: { ...registration, kind: '設立' } }],
    ['an empty number', '/registration/caseNumber', { registration: { ...registration, caseNumber: '' } }],
    ['a number with a blank', '/registration/caseNumber', { registration: { ...registration, caseNumber: '1 2' } }],
    ['a number of 41 characters', '/registration/caseNumber', { registration: { ...registration, caseNumber: '1'.repeat(41) } }], // prettier-ignore
    ['no national ID', '/representative/nationalId', { representative: { ...representative, nationalId: undefined } }],
    ['an empty national ID', '/representative/nationalId', { representative: { ...representative, nationalId: ' ' } }],
    ['a full-width national ID', '/representative/nationalId', { representative: { ...representative, nationalId: 'Ａ１２３' } }], // prettier-ignore
    ['no birth date', '/representative/birthDate', { representative: { ...representative, birthDate: undefined } }],
    ['112/2/29', '/representative/birthDate', { representative: { ...representative, birthDate: '1120229' } }],
    ['2023-02-29', '/representative/birthDate', { representative: { ...representative, birthDate: '2023-02-29' } }],
    ['a birth date before ROC year 1', '/representative/birthDate', { representative: { ...representative, birthDate: '1911-12-31' } }], // prettier-ignore
    ['a future birth date', '/representative/birthDate', { representative: { ...representative, birthDate: '2999-01-01' } }], // prettier-ignore
    ['a future ROC birth date', '/representative/birthDate', { representative: { ...representative, birthDate: { year: 900, month: 1, day: 1 } } }], // prettier-ignore
    ['a birth date as a number', '/representative/birthDate', { representative: { ...representative, birthDate: 760221 } }], // prettier-ignore
    ['full-width digits', '/representative/birthDate', { representative: { ...representative, birthDate: '０７６０２２１' } }], // prettier-ignore
    ['a contact address by e-mail', '/contact/email', { contact: { ...contact, email: 'a@example.com' } }],
    ['no telephone', '/contact/phone', { contact: { address: contact.address } }],
    ['a user code', '/userCode', { userCode: USER_CODE }],
    ['a UBN with a wrong check digit', '/ubn', { ubn: '12345678' }],
    ['a 商業 without a county', '/county', { kind: 'business' }],
    ['SQL in a kind', '/kind', { kind: "'; drop table application; --" }],
  ])('with %s is refused, naming the field and never the value', async (_what, at, changes) => {
    const { status, body } = await office.push(combined(changes));
    expect(status).toBe(400);
    expect(body['errors']).toContainEqual(expect.objectContaining({ at }));
    for (const secret of ['A123456789', '1120229', '2999', 'drop table', USER_CODE]) {
      expect(JSON.stringify(body)).not.toContain(secret);
    }
  });
});

describe('without stock', () => {
  it('applications wait, and get their cards in their order when stock comes', async () => {
    await emptyStock();
    const already = (
      (await bench.source.query(`select count(*)::int as n from application where state = 'waiting-for-stock'`)) as [
        { n: number },
      ]
    )[0].n;
    const cases: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { body } = await office.push(combined());
      expect(body['state']).toBe('waiting-for-stock');
      cases.push(body['caseNumber'] as string);
    }
    expect(await bench.events('application.approved', cases[0])).toEqual([]);
    await bench.stock(already + 2);
    const states = await Promise.all(cases.map(async (caseNumber) => (await read(caseNumber)).body['state']));
    expect(states).toEqual(['approved', 'approved', 'waiting-for-stock']);
    expect(await bench.events('application.approved', cases[0])).toHaveLength(1);
    expect(await blankCards()).toBe(0);
    await bench.stock(2);
    expect((await read(cases[2])).body['state']).toBe('approved');
    expect(await blankCards()).toBe(1);
  });

  it('nobody waits beside a card, when pushes and stock come at once', async () => {
    for (let round = 0; round < 4; round += 1) {
      await emptyStock();
      await Promise.all([
        ...Array.from({ length: 4 }, () => office.push(combined())),
        bench.stock(3),
        ...Array.from({ length: 4 }, () => office.push(combined())),
        bench.stock(2),
      ]);
      const [{ waiting }] = (await bench.source.query(
        `select count(*)::int as waiting from application where state = 'waiting-for-stock'`,
      )) as [{ waiting: number }];
      expect(waiting === 0 || (await blankCards()) === 0).toBe(true);
    }
  });
});

describe('the keys of a registration office', () => {
  const rsa = (modulusLength: number, publicExponent = 65_537) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' });
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
  const used = ({ body }: { body: Record<string, unknown> }) => (body['keys'] as { kid: string }[]).map((k) => k.kid);

  it('are replaced as a whole: a retired one signs no more, and may come back', async () => {
    const changing = await Office.registered(bench, 'office-70');
    const next = await Office.create(bench, 'office-70b');
    expect((await changing.push(combined())).status).toBe(201);
    const both = await changing.register([changing.keys.publicJwk, next.keys.publicJwk]);
    expect(used(both)).toEqual([changing.keys.kid, next.keys.kid]);
    expect((await next.push(combined(), { as: changing.name })).status).toBe(201);
    expect(used(await changing.register([next.keys.publicJwk]))).toEqual([next.keys.kid]);
    expect((await changing.push(combined())).body['type']).toBe('urn:kaika:error:officeKeyUnknown');
    expect(used(await changing.register([]))).toEqual([]);
    expect((await next.push(combined(), { as: changing.name })).status).toBe(403);
    expect(used(await changing.register([changing.keys.publicJwk]))).toEqual([changing.keys.kid]);
    const history = await bench.source.query('select retired_by from office_key where office = $1 order by id', [
      changing.name,
    ]);
    expect(history).toEqual([{ retired_by: 'wang' }, { retired_by: 'wang' }, { retired_by: null }]);
  });

  it('belong to one office', async () => {
    const other = await Office.create(bench, 'office-71');
    expect(await other.register([office.keys.publicJwk])).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:conflict' },
    });
  });

  it('are shown to officers with their thumbprints', async () => {
    const { body } = await bench.call('GET', '/api/v1/registration-offices', { role: 'auditor' });
    expect(body['items']).toContainEqual({
      office: office.name,
      keys: [
        {
          ...{ kid: office.keys.kid, algorithms: ['ES256'], registeredBy: 'wang' },
          registeredAt: expect.stringMatching(/Z$/),
        },
      ],
    });
  });

  it('may be P-256, P-384, Ed25519 or RSA', async () => {
    const many = await Office.create(bench, 'office-72');
    const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    const { status, body } = await many.register([ec('P-256'), ec('P-384'), ed, rsa(2_048), { ...rsa(2_048), kid: 7 }]);
    expect({ status, keys: (body['keys'] as unknown[]).length }).toEqual({ status: 200, keys: 5 });
  });

  it.each<[string, string, () => unknown]>([
    ['no list', '/keys', () => 'key'],
    ['six keys', '/keys', () => Array.from({ length: 6 }, () => ec('P-256'))],
    ['no key', '/keys/0', () => [null]],
    ['an empty key', '/keys/0/kty', () => [{}]],
    ['a private key', '/keys/0', () => [generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })]],
    ['a secret', '/keys/0', () => [{ kty: 'oct', k: 'c2VzYW1l' }]],
    ['another curve', '/keys/0', () => [ec('secp256k1')]],
    ['a point off the curve', '/keys/0', () => [{ ...ec('P-256'), y: 'A'.repeat(43) }]],
    ['no point', '/keys/0', () => [{ kty: 'EC', crv: 'P-256', x: 'AA' }]],
    ['an RSA key of 1024 bits', '/keys/0', () => [rsa(1_024)]],
    ['an RSA key of exponent 3', '/keys/0', () => [rsa(2_048, 3)]],
    ['a kind by a builtin’s name', '/keys/0', () => [{ kty: 'constructor' }]],
  ])('are not %s', async (_what, at, keys) => {
    const { status, body } = await (await Office.create(bench, 'office-73')).register(keys());
    expect(status).toBe(400);
    expect(body['errors']).toEqual([expect.objectContaining({ at })]);
    expect(JSON.stringify(body)).not.toContain('c2VzYW1l');
  });

  it('have doors for officers, and pushes for offices', async () => {
    const path = '/api/v1/registration-offices/office-63/keys';
    expect((await bench.call('PUT', path, { body: { keys: [] } })).status).toBe(401);
    for (const role of ['registration-office', 'application-officer', 'ca-operator'] as const) {
      expect((await bench.call('PUT', path, { body: { keys: [] }, role })).status).toBe(403);
    }
    const push = { body: combined(), headers: { 'x-jws-signature': 'x' } };
    expect((await bench.call('POST', '/api/v1/combined-applications', push)).status).toBe(401);
    expect((await bench.call('POST', '/api/v1/combined-applications', { ...push, role: 'ca-officer' })).status).toBe(
      403,
    );
    const bad = await bench.call('PUT', '/api/v1/registration-offices/..%2F/keys', { body: { keys: [] }, role: 'ca-officer' }); // prettier-ignore
    expect(bad.status).toBe(400);
  });
});

it('leaves no national ID, birth date, name or address of a push in any table, event or line of the log', async () => {
  const representative = { name: '吳洩漏', nationalId: 'A223456781', birthDate: '0520713' };
  const contact = { address: '洩漏市洩漏路九號', phone: '09-8765-4321' };
  const request = combined({ representative, contact });
  while ((await blankCards()) === 0) await bench.stock(5);
  const { body } = await office.push(request);
  const { cardNumber } = (await bench.events('application.approved', body['caseNumber'] as string))[0]!.data;
  await bench.operate(`/cards/${cardNumber}/personalisation`, {});
  await office.push({ ...request, ubn: '1' });
  await office.push(request, { signature: 'x' });
  const stored = await bench.everythingStored();
  expect(stored).toContain(cardNumber);
  for (const text of [stored, bench.log]) {
    for (const secret of ['吳洩漏', 'A223456781', '0520713', '1963-07-13', '洩漏路', '8765-4321', 'A123456789']) {
      const base64 = Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1);
      for (const form of [secret, base64, Buffer.from(secret).toString('hex')]) expect(text.includes(form)).toBe(false);
    }
  }
});
