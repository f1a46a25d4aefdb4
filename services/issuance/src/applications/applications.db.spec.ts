import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock } from '#libs/clock';
import { CodeHasher, ensureSecretKey, openRecord } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { application, IssuanceBench, NATIONAL_ID, USER_CODE } from '../issuance.fixture.js';
import { newCaseNumber } from './case-number.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
}, 60_000);

const progress = (caseNumber: unknown, userCode: string) =>
  bench.call('GET', `/api/v1/applications/${String(caseNumber)}`, { headers: { 'x-user-code': userCode } });
const received = async (changes = {}) => (await bench.apply(changes)).body['caseNumber'] as string;
const reject = (caseNumber: string, reason: unknown) =>
  bench.call('POST', `/api/v1/applications/${caseNumber}/rejection`, {
    body: { reason },
    role: 'application-officer',
  });
const count = async (sql: string) =>
  ((await bench.source.query(`select count(*)::int as n from ${sql}`)) as [{ n: number }])[0].n;

describe('a self-application', () => {
  it('is taken in, gets a case number, and tells it in an event', async () => {
    const { status, body } = await bench.apply();
    expect({ status, body }).toEqual({ status: 201, body: { caseNumber: expect.any(String), state: 'received' } });
    const [event] = await bench.events('application.received', body['caseNumber'] as string);
    expect(event!.data).toEqual({ caseNumber: body['caseNumber'] });
  });

  it('keeps personal data sealed and the user code as a verifier only', async () => {
    const caseNumber = await received();
    const [row] = (await bench.source.query('select personal, verifier from application where case_number = $1', [
      caseNumber,
    ])) as [{ personal: string; verifier: string }];
    const key = ensureSecretKey(bench.file('data-key'));
    expect(await openRecord(key, { table: 'application', id: caseNumber }, row.personal)).toEqual({
      representative: { name: '林測試', nationalId: NATIONAL_ID },
      contact: application().contact,
    });
    await expect(
      openRecord(key, { table: 'application', id: newCaseNumber(new Clock().now()) }, row.personal),
    ).rejects.toThrow();
    expect(await bench.service.app.get(CodeHasher).verify(row.verifier, USER_CODE)).toBe(true);
  });

  it('with an unusual national ID waits for a confirmation, which is recorded', async () => {
    const representative = { name: '林測試', nationalId: '12345678' };
    const warned = await bench.apply({ representative });
    expect(warned).toMatchObject({
      status: 422,
      body: {
        type: 'urn:kaika:error:nationalIdUnusual',
        confirmable: true,
        errors: [expect.objectContaining({ at: '/representative/nationalId' })],
      },
    });
    expect(JSON.stringify(warned.body)).not.toContain('12345678');
    const { status, body } = await bench.apply({ representative: { ...representative, confirmed: true } });
    expect(status).toBe(201);
    const confirmed = (caseNumber: unknown) =>
      bench.source.query('select national_id_confirmed as yes from application where case_number = $1', [caseNumber]);
    expect(await confirmed(body['caseNumber'])).toEqual([{ yes: true }]);
    // Confirming what needs no confirmation records no override.
    const usual = await received({ representative: { name: '林', nationalId: NATIONAL_ID, confirmed: true } });
    expect(await confirmed(usual)).toEqual([{ yes: false }]);
  });

  it('takes a name of 64 Han characters and refuses one of 65 by field name', async () => {
    expect((await bench.apply({ name: '開'.repeat(64) })).status).toBe(201);
    expect(await bench.apply({ name: '開'.repeat(65) })).toMatchObject({
      status: 400,
      body: { errors: [expect.objectContaining({ at: '/name' })] },
    });
  });

  it('takes each kind with the fields that belong to it', async () => {
    const kinds = [
      { kind: 'company' },
      { kind: 'branch', branch: '臺中分公司' },
      { kind: 'partnership' },
      { kind: 'business', county: '屏東縣' },
      { kind: 'company', certificateEmail: undefined, representative: { name: '林' } },
    ];
    for (const changes of kinds) expect((await bench.apply(changes)).status).toBe(201);
  });

  const contact = application().contact;
  it.each<[string, string, Record<string, unknown>]>([
    ['an unknown kind', '/kind', { kind: 'club' }],
    ['no name', '/name', { name: ' ' }],
    ['a name that is a number', '/name', { name: 7 }],
    ['a name with a private-use character', '/name', { name: '開\ue000' }],
    ['a name with a direction mark', '/name', { name: '開\u202e卡' }],
    ['a UBN with a wrong check digit', '/ubn', { ubn: '12345678' }],
    ['a UBN of seven digits', '/ubn', { ubn: '1234567' }],
    ['a UBN as a number', '/ubn', { ubn: 12345675 }],
    ['a UBN in full-width digits', '/ubn', { ubn: '１２３４５６７５' }],
    ['a branch without a name', '/branch', { kind: 'branch' }],
    ['a company with a branch', '/branch', { branch: '臺中分公司' }],
    ['a 商業 without a county', '/county', { kind: 'business' }],
    ['a company with a county', '/county', { county: '臺北市' }],
    ['a county that is none', '/county', { kind: 'business', county: '東京都' }],
    ['a certificate address that is none', '/certificateEmail', { certificateEmail: 'nobody' }],
    ['an unknown rank', '/rank', { rank: 'third' }],
    ['an unknown field', '/note', { note: 'x' }],
    ['no representative', '/representative', { representative: undefined }],
    ['a representative without a name', '/representative/name', { representative: { name: '' } }],
    ['a national ID of 21 characters', '/representative/nationalId', { representative: { name: '林', nationalId: 'A'.repeat(21) } }], // prettier-ignore
    ['an unknown field inside', '/representative/age', { representative: { name: '林', age: 3 } }],
    ['a confirmation in words', '/representative/confirmed', { representative: { name: '林', confirmed: 'yes' } }],
    ['a contact without an address', '/contact/email', { contact: { ...contact, email: '' } }],
    ['letters in a telephone number', '/contact/phone', { contact: { ...contact, phone: 'call me' } }],
    ['a line break in an address', '/contact/address', { contact: { ...contact, address: 'a\nb' } }],
    ['a user code of five characters', '/userCode', { userCode: 'abcde' }],
    ['a user code with a blank', '/userCode', { userCode: 'abc def' }],
    ['a full-width user code', '/userCode', { userCode: 'ａｂｃｄｅｆ' }],
    ['a NUL', '/name', { name: 'a\u0000b' }],
  ])('is refused with %s, naming the field and never the value', async (_what, at, changes) => {
    const { status, body } = await bench.apply(changes);
    expect(status).toBe(400);
    expect(body['errors']).toContainEqual(expect.objectContaining({ at }));
    for (const secret of ['abcde', 'AAAA', 'call me']) expect(JSON.stringify(body)).not.toContain(secret);
  });

  it('repeated with its Idempotency-Key is one application; the key with other data is refused', async () => {
    const before = await count('application');
    const key = { 'idempotency-key': 'try-1' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => bench.apply({}, key)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await count('application')).toBe(before + 1);
    for (const changes of [{ userCode: 'Other#2026' }, { name: '別間公司' }]) {
      expect(await bench.apply(changes, key)).toMatchObject({
        status: 422,
        body: { type: 'urn:kaika:error:idempotencyKeyReused' },
      });
    }
    expect((await bench.apply({}, { 'idempotency-key': 'a b' })).status).toBe(400);
    expect(await count('application')).toBe(before + 1);
  });
});

describe('a secondary card', () => {
  const secondary = (ubn: string) => bench.apply({ ubn, rank: 'secondary' });

  it('needs a primary card of the same 統一編號 that was issued', async () => {
    expect(await secondary('22099131')).toMatchObject({
      status: 409,
      body: {
        type: 'urn:kaika:error:primaryCardMissing',
        errors: [expect.objectContaining({ at: '/rank' })],
      },
    });
    const primary = await bench.assignedCard({ ubn: '22099131' });
    expect((await secondary('22099131')).status).toBe(409);
    await bench.operate(`/cards/${primary}/personalisation`, {});
    expect((await secondary('22099131')).status).toBe(201);
    expect((await secondary('04595252')).status).toBe(409);
    const second = await bench.assignedCard({ ubn: '22099131', rank: 'secondary' });
    await bench.operate(`/cards/${second}/personalisation`, {});
    const [issued] = await bench.events('certificate.issued', second);
    expect(issued!.data).toMatchObject({ rank: 'secondary', ubn: '22099131' });
  });
});

describe('an application that is sent back', () => {
  const sendBack = (caseNumber: string, reason: unknown) =>
    bench.call('POST', `/api/v1/applications/${caseNumber}/return`, { body: { reason }, role: 'application-officer' });
  const resubmit = (caseNumber: string, changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
    bench.call('POST', `/api/v1/applications/${caseNumber}/resubmission`, { body: application(changes), headers });

  it('tells why, is corrected with its user code, and decided again', async () => {
    const caseNumber = await received({ name: '錯字股份有限公司' });
    const first = await sendBack(caseNumber, '名稱有誤');
    expect(first).toMatchObject({ status: 200, body: { caseNumber, state: 'returned', reason: '名稱有誤' } });
    expect((await sendBack(caseNumber, '名稱有誤')).body).toEqual(first.body);
    expect((await sendBack(caseNumber, '別的理由')).status).toBe(409);
    expect((await progress(caseNumber, USER_CODE)).body).toMatchObject({ state: 'returned', reason: '名稱有誤' });
    expect((await bench.approve(caseNumber)).status).toBe(409);
    expect(await resubmit(caseNumber, { name: '正字股份有限公司' })).toMatchObject({
      status: 200,
      body: { caseNumber, state: 'received' },
    });
    const after = (await progress(caseNumber, USER_CODE)).body;
    expect(after).toMatchObject({ state: 'received', reason: null, decidedAt: null });
    const rows = await bench.source.query(
      `select a.name as now, r.content->>'name' as before, r.reason, r.content ? 'verifier' as secret
       from application a join application_revision r using (case_number) where case_number = $1`,
      [caseNumber],
    );
    expect(rows).toEqual([{ now: '正字股份有限公司', before: '錯字股份有限公司', reason: '名稱有誤', secret: false }]);
    await bench.stock(1);
    expect((await bench.approve(caseNumber)).status).toBe(200);
    expect(await bench.events('application.returned', caseNumber)).toHaveLength(1);
    expect(await bench.events('application.received', caseNumber)).toHaveLength(2);
  });

  it('is corrected once, however often the correction is sent', async () => {
    const caseNumber = await received();
    await sendBack(caseNumber, '缺件');
    const key = { 'idempotency-key': 'corrected' };
    const answers = await Promise.all([1, 2, 3].map(() => resubmit(caseNumber, {}, key)));
    for (const { status, body } of answers) {
      expect({ status, body }).toEqual({ status: 200, body: { caseNumber, state: 'received' } });
    }
    expect((await resubmit(caseNumber)).status).toBe(409);
    expect(await bench.events('application.received', caseNumber)).toHaveLength(2);
  });

  it('is corrected by nobody else, and by the rules of a new one', async () => {
    const caseNumber = await received();
    await sendBack(caseNumber, '缺件');
    expect(await resubmit(caseNumber, { userCode: 'Other#2026' })).toMatchObject({
      status: 403,
      body: { type: 'urn:kaika:error:codeRefused' },
    });
    expect((await resubmit(newCaseNumber(new Clock().now()))).status).toBe(403);
    expect((await resubmit(caseNumber, { ubn: '1' })).status).toBe(400);
    expect((await resubmit(caseNumber, { ubn: '04595252', rank: 'secondary' })).status).toBe(409);
    expect((await progress(caseNumber, USER_CODE)).body).toMatchObject({ state: 'returned' });
    expect((await reject(caseNumber, '逾期未補正')).status).toBe(200);
    expect((await resubmit(caseNumber)).status).toBe(409);
  });
});

describe('the progress of an application', () => {
  it('is told for the user code', async () => {
    const caseNumber = await received();
    const { status, body, headers } = await progress(caseNumber, USER_CODE);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ caseNumber, state: 'received', decidedAt: null, reason: null, card: null, correction: null },
      receivedAt: expect.stringMatching(/Z$/),
    });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('gives the same answer for a wrong code and for a case that does not exist', async () => {
    const wrong = await progress(await received(), 'kaika#2026');
    const unknown = await progress(newCaseNumber(new Clock().now()), USER_CODE);
    expect(wrong).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:codeRefused', legacyCode: '3005' } });
    expect({ ...unknown.body, status: unknown.status }).toEqual({ ...wrong.body, status: wrong.status });
  });

  it('slows guessing down, for a case that exists and for one that does not', async () => {
    for (const caseNumber of [await received(), newCaseNumber(new Clock().now())]) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => progress(caseNumber, 'wrong-1')));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 403)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(7);
      const limited = answers.find(({ status }) => status === 429)!;
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
      await bench.source.query(`delete from attempt where counter = 'source'`);
    }
  });

  it('refuses what is no case number and a missing code', async () => {
    const number = await received();
    const wrongCheckDigit = number.slice(0, -1) + String((Number(number.at(-1)) + 1) % 10);
    expect((await progress(wrongCheckDigit, USER_CODE)).status).toBe(400);
    expect((await progress('K1', USER_CODE)).status).toBe(400);
    expect((await progress(number, '')).status).toBe(400);
    expect((await bench.call('GET', `/api/v1/applications/${number}`)).status).toBe(400);
    expect((await progress(number, 'x'.repeat(65))).status).toBe(400);
  });
});

describe('the application office', () => {
  it('approves: the application gets a blank card, repeated it gets the same', async () => {
    await bench.stock(2);
    const caseNumber = await received();
    const first = await bench.approve(caseNumber);
    expect(first).toMatchObject({ status: 200, body: { caseNumber, state: 'approved' } });
    const second = await bench.approve(caseNumber);
    expect(second.body).toEqual(first.body);
    expect(await bench.events('application.approved', caseNumber)).toHaveLength(1);
    expect((await progress(caseNumber, USER_CODE)).body).toMatchObject({
      state: 'approved',
      card: { cardNumber: first.body['cardNumber'], state: 'assigned' },
    });
    expect((await reject(caseNumber, '來不及了')).status).toBe(409);
  });

  it('rejects with a reason that the applicant sees; a rejected application is never approved', async () => {
    const caseNumber = await received();
    expect(await reject(caseNumber, '印鑑不符')).toMatchObject({
      status: 200,
      body: { caseNumber, state: 'rejected', reason: '印鑑不符' },
    });
    expect((await reject(caseNumber, '印鑑不符')).status).toBe(200);
    expect((await reject(caseNumber, '別的理由')).status).toBe(409);
    expect((await bench.approve(caseNumber)).status).toBe(409);
    expect((await progress(caseNumber, USER_CODE)).body).toMatchObject({ state: 'rejected', reason: '印鑑不符' });
    expect(await bench.events('application.rejected', caseNumber)).toHaveLength(1);
    for (const reason of ['', ' ', 5, 'x'.repeat(501), 'a\nb', undefined]) {
      expect((await reject(await received(), reason)).status).toBe(400);
    }
  });

  it('approves many at once without two applications on one card, and says when the stock is empty', async () => {
    const blank = (await bench.operate('/card-stock')).body['blank'] as number;
    await bench.stock(8);
    const cases = await Promise.all(Array.from({ length: blank + 11 }, () => received()));
    const answers = await Promise.all(cases.map((caseNumber) => bench.approve(caseNumber)));
    // A loser of the last card may be told "empty" while another's approval is still open: it asks again.
    const again = await Promise.all(
      cases.map(async (caseNumber, i) => (answers[i]!.status === 200 ? answers[i]! : bench.approve(caseNumber))),
    );
    const cards = again.filter(({ status }) => status === 200).map(({ body }) => body['cardNumber']);
    expect(new Set(cards).size).toBe(blank + 8);
    expect(cards).toHaveLength(blank + 8);
    const refused = again.filter(({ status }) => status !== 200);
    expect(refused.map(({ body }) => body['type'])).toEqual(Array(3).fill('urn:kaika:error:stockEmpty'));
  });

  it('decides an application once when approval and rejection meet', async () => {
    for (let round = 0; round < 5; round += 1) {
      await bench.stock(1);
      const caseNumber = await received();
      const answers = await Promise.all([bench.approve(caseNumber), reject(caseNumber, '缺件')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const decided = [
        ...(await bench.events('application.approved', caseNumber)),
        ...(await bench.events('application.rejected', caseNumber)),
      ];
      expect(decided).toHaveLength(1);
    }
  });

  it('lists page by page, oldest first, without personal data', async () => {
    const list = (query: string) => bench.call('GET', `/api/v1/applications${query}`, { role: 'application-officer' });
    const all = (await list('?limit=100')).body as { items: { caseNumber: string }[]; next: string | null };
    const paged: string[] = [];
    for (let after = ''; ;) {
      const page = (await list(`?limit=7${after}`)).body as typeof all;
      paged.push(...page.items.map((item) => item.caseNumber));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(paged.slice(0, 100)).toEqual(all.items.map((item) => item.caseNumber));
    expect(new Set(paged).size).toBe(await count('application'));
    expect(JSON.stringify(all)).not.toMatch(/林測試|contact@|A123456789/);
    const rejected = (await list('?state=rejected')).body as { items: { state: string }[] };
    expect(new Set(rejected.items.map(({ state }) => state))).toEqual(new Set(['rejected']));
    for (const query of ['?state=lost', '?limit=0', '?limit=101', '?limit=x', '?after=K1', '?page=2']) {
      expect((await list(query)).status).toBe(400);
    }
  });

  it('finds no case that does not exist', async () => {
    expect((await bench.approve(newCaseNumber(new Clock().now()))).status).toBe(404);
    expect((await bench.approve('K1')).status).toBe(400);
  });
});

it('keeps the doors of officers shut for others', async () => {
  const doors = [
    ['GET', '/api/v1/applications', 'ca-operator'],
    ['POST', `/api/v1/applications/${newCaseNumber(new Clock().now())}/approval`, 'ca-operator'],
    ['POST', `/api/v1/applications/${newCaseNumber(new Clock().now())}/rejection`, 'ca-officer'],
    ['POST', `/api/v1/applications/${newCaseNumber(new Clock().now())}/return`, 'registration-office'],
    ['GET', '/api/v1/card-stock', 'application-officer'],
    ['POST', '/api/v1/card-stock', 'application-officer'],
    ['GET', '/api/v1/cards/TT00000000000001', 'application-officer'],
    ['POST', '/api/v1/cards/TT00000000000001/personalisation', 'auditor'],
    ['POST', '/api/v1/cards/TT00000000000001/dispatch', 'service'],
  ] as const;
  for (const [method, path, role] of doors) {
    const body = method === 'POST' ? {} : undefined;
    expect((await bench.call(method, path, { body })).status).toBe(401);
    expect((await bench.call(method, path, { body, role })).status).toBe(403);
  }
});
