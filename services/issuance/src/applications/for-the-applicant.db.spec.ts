import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { Office, combined } from '../intake/intake.fixture.js';
import { application, IssuanceBench, NATIONAL_ID, USER_CODE } from '../issuance.fixture.js';
import { MailServer } from '../notices/mail-server.fixture.js';
import { readPdf } from '../paper/read-pdf.fixture.js';
import { newCaseNumber } from './case-number.js';

let bench: IssuanceBench;
let server: MailServer;
// Hooks run in this order: the service ends before its database.
afterAll(async () => {
  await bench?.stop();
  await server?.close();
});
const database = withTestDatabase();

beforeAll(async () => {
  server = await MailServer.start();
  bench = await IssuanceBench.start(database, { KAIKA_SMTP_URL: server.url, KAIKA_MAIL_FROM: 'centre@ca.example' });
}, 60_000);

const received = async (changes = {}) => (await bench.apply(changes)).body['caseNumber'] as string;
const decide = (caseNumber: string, what: 'return' | 'rejection', reason: string) =>
  bench.call('POST', `/api/v1/applications/${caseNumber}/${what}`, { body: { reason }, role: 'application-officer' });
const ask = (caseNumber: string, userCode = USER_CODE, what = '') =>
  bench.call('GET', `/api/v1/applications/${caseNumber}${what}`, { headers: { 'x-user-code': userCode } });
const form = (caseNumber: string, userCode?: string) => ask(caseNumber, userCode, '/form.pdf');
const pdfOf = ({ body }: { body: Record<string, unknown> }) => body['bytes'] as Buffer;
const returnedWith = async (reason: string, changes = {}) => {
  const caseNumber = await received(changes);
  await decide(caseNumber, 'return', reason);
  return caseNumber;
};

describe('the printed form', () => {
  it('is given for the user code, and tells neither that nor the national ID', async () => {
    const caseNumber = await received();
    const answer = await form(caseNumber);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': `attachment; filename="${caseNumber}.pdf"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    const { text, barCodes } = readPdf(pdfOf(answer));
    expect(barCodes).toEqual([`CODE-128:${caseNumber}`]);
    for (const words of ['開卡示範股份有限公司', '林測試', '臺北市測試路一號', 'contact@example.com']) {
      expect(text).toContain(words);
    }
    expect(text + pdfOf(answer).toString('latin1')).not.toMatch(new RegExp(`${USER_CODE}|${NATIONAL_ID}|次補正`));
    expect(pdfOf(await form(caseNumber)).equals(pdfOf(answer))).toBe(true);
  });

  it('of a corrected application has what was corrected, and says so', async () => {
    const caseNumber = await returnedWith('名稱有誤', { name: '錯字股份有限公司' });
    const body = application({ name: '正字股份有限公司' });
    await bench.call('POST', `/api/v1/applications/${caseNumber}/resubmission`, { body });
    const { text } = readPdf(pdfOf(await form(caseNumber)));
    expect(text).toContain('正字股份有限公司');
    expect(text).toContain('第1次補正');
    expect(text).not.toContain('錯字');
  });

  it('is refused alike for a wrong code, a case that does not exist and a combined application', async () => {
    const office = await Office.registered(bench, 'office-63');
    const pushed = (await office.push(combined())).body['caseNumber'] as string;
    const answers = [
      await form(await received(), 'kaika#2026'),
      await form(newCaseNumber(bench.clock.now())),
      await form(pushed),
    ];
    for (const { status, body } of answers) {
      expect({ status, body }).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:codeRefused' } });
    }
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect((await form(await received(), '')).status).toBe(400);
    expect((await form('K1')).status).toBe(400);
  });
});

describe('the printed slip of a card that is sent in', () => {
  const letter = {
    errorMessage: '不明連接卡',
    contact: { name: '陳測試', phone: '02-2345-6789', address: '臺北市測試路一號' },
  };
  const announce = async (cardNumber: string) =>
    (await bench.call('POST', '/api/v1/card-returns', { body: { cardNumber, ...letter } })).body as {
      caseNumber: string;
      slipCode: string;
    };
  const slip = (caseNumber: string, code: string) =>
    bench.call('GET', `/api/v1/card-returns/${caseNumber}/slip.pdf`, { headers: { 'x-slip-code': code } });

  it('is given for its code, however that is typed, until its letter is erased', async () => {
    const { caseNumber, slipCode } = await announce('TT00000000000997');
    const answer = await slip(caseNumber, slipCode.replace('-', '').toLowerCase());
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${caseNumber}.pdf"`);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { text, pages, barCodes } = readPdf(pdfOf(answer));
    expect({ pages, barCodes }).toEqual({ pages: 1, barCodes: [`CODE-128:${caseNumber}`] });
    for (const words of [
      ...['憑證IC卡送回檢測單', '係屬虛構', `查詢碼${slipCode}`, '卡號TT00000000000997', '故障情形不明連接卡'],
      ...['聯絡人陳測試', '聯絡電話02-2345-6789', '寄回地址臺北市測試路一號', '以掛號郵件寄送本中心'],
    ]) {
      expect(text).toContain(words);
    }
    await bench.source.query('update card_return set letter = null, erased_at = now() where case_number = $1', [
      caseNumber,
    ]);
    expect((await slip(caseNumber, slipCode)).status).toBe(404);
  });

  it('is refused alike for a wrong code and a case that does not exist', async () => {
    const { caseNumber, slipCode } = await announce('TT00000000000996');
    const answers = [await slip(caseNumber, '00000-00000'), await slip('R1150000000018', slipCode)];
    for (const { status, body } of answers) {
      expect({ status, body }).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:codeRefused' } });
    }
    expect((await slip(caseNumber, '')).status).toBe(400);
  });
});

describe('what is there to correct', () => {
  it('is told while the application is sent back, without the national ID', async () => {
    const caseNumber = await received({ kind: 'branch', branch: '臺中分公司' });
    expect((await ask(caseNumber)).body['correction']).toBeNull();
    await decide(caseNumber, 'return', '地址有誤');
    const { body } = await ask(caseNumber);
    expect(body).toMatchObject({ state: 'returned', reason: '地址有誤' });
    expect(body['correction']).toEqual({
      ...{ kind: 'branch', name: '開卡示範股份有限公司', branch: '臺中分公司', county: null, ubn: '12345675' },
      ...{ certificateEmail: 'cert@example.com', rank: 'primary' },
      representative: { name: '林測試', nationalIdGiven: true },
      contact: application().contact,
    });
    expect(JSON.stringify(body)).not.toContain(NATIONAL_ID);
    await decide(caseNumber, 'rejection', '逾期');
    expect((await ask(caseNumber)).body['correction']).toBeNull();
  });

  it('says when no national ID was given', async () => {
    const caseNumber = await returnedWith('缺件', { representative: { name: '林測試' } });
    expect((await ask(caseNumber)).body['correction']).toMatchObject({
      representative: { name: '林測試', nationalIdGiven: false },
    });
  });
});

describe('a notice of the decision', () => {
  const contactOf = (email: string) => ({ contact: { ...application().contact, email } });

  it('goes to the contact when the application is sent back and when it is rejected, once each, without the reason', async () => {
    const caseNumber = await returnedWith('負責人印鑑不符', contactOf('back@example.com'));
    await decide(caseNumber, 'return', '負責人印鑑不符');
    const [returned] = await server.to('back@example.com');
    expect(returned!.subject).toMatch(/退回補正.*correction/);
    expect(returned!.text).toContain(`案件編號：${caseNumber}`);
    await decide(caseNumber, 'rejection', '逾期未補正');
    const mails = await server.to('back@example.com', 2);
    expect(mails[1]!.subject).toMatch(/審核結果.*rejected/);
    expect(mails.map(({ text }) => text).join()).not.toMatch(/印鑑|逾期未補正|Kaika#|A123456789/);
    const stored = await bench.source.query('select content, state from notice where case_number = $1', [caseNumber]);
    expect(stored).toHaveLength(2);
    const { body } = await bench.operate('/notices?limit=2');
    expect(body['items']).toEqual([
      expect.objectContaining({ caseNumber, cardNumber: null, kind: 'application-rejected' }),
      expect.objectContaining({ caseNumber, cardNumber: null, kind: 'application-returned' }),
    ]);
  });

  it('goes to the address as it was corrected', async () => {
    const caseNumber = await returnedWith('信箱有誤', contactOf('old@example.com'));
    const [first] = await server.to('old@example.com');
    expect(first!.subject).toContain('退回補正');
    const body = application(contactOf('new@example.com'));
    await bench.call('POST', `/api/v1/applications/${caseNumber}/resubmission`, { body });
    await decide(caseNumber, 'rejection', '不符資格');
    const [second] = await server.to('new@example.com');
    expect(second!.subject).toContain('審核結果');
    expect(await server.to('old@example.com')).toEqual([first]);
  });
});
