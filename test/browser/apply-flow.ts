import { expect, it } from '@jest/globals';
import { readPdf } from '../../services/issuance/src/paper/read-pdf.fixture.js';
import { type TestBrowser, violations } from './browser.js';
import type { Centre } from './centre.js';
import type { Mailbox } from './mailbox.js';
import { savedFile } from './saved-file.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;

const APPLICATION = {
  ...{ kind: 'branch', name: '錯字測試有限公司', branch: '臺中分公司', ubn: '12345675', userCode: 'Phone#124' },
  representative: { name: '李測試', nationalId: 'A123456789' },
  contact: { name: '李測試', email: 'wrong@phone.example', phone: '02-0000-0001', address: '臺北市測試路2號' },
};

export function applyFlow(browser: TestBrowser, centre: Centre, mailbox: Mailbox): void {
  it.each(['zh-TW', 'en'] as const)(
    'applies for a card in %s, gets the form to print without the user code, and asks how it goes',
    async (language) => {
      const { apply: words, common, errors } = WORDS[language];
      const page = await browser.page({ language, width: 320 });
      await page.goto('/apply/ic-card');
      const next = () => page.getByRole('button', { name: words.next, exact: true }).click();
      await next();
      await page.getByText(errors.fields.agree).waitFor();
      await page.getByLabel(words.agree).check();
      await next();
      await page.getByLabel(words.name, { exact: true }).fill('手機申請有限公司');
      await page.getByLabel(words.ubn).fill('12345678');
      await page.getByLabel(words.representativeName).fill('李測試');
      await next();
      await page.getByText(errors.fields.ubn).waitFor();
      // Full-width digits, as an input method types them.
      await page.getByLabel(words.ubn).fill('１２３４５６７５');
      await next();
      await page.getByLabel(words.contactName, { exact: true }).fill('李測試');
      await page.getByLabel(words.email, { exact: true }).fill('li@phone.example');
      await page.getByLabel(words.phone).fill('02-0000-0001');
      await page.getByLabel(words.address).fill('臺北市測試路2號');
      await page.getByRole('button', { name: words.back }).click();
      expect(await page.getByLabel(words.ubn).inputValue()).toBe('12345675');
      await next();
      await next();
      await page.getByLabel(words.userCode, { exact: true }).fill('Phone#123');
      await page.getByLabel(words.userCodeAgain, { exact: true }).fill('Phone#123');
      await next();
      await page.getByText('手機申請有限公司').waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: words.send, exact: true }).dblclick();
      await page.getByRole('heading', { name: words.receivedTitle, level: 1 }).waitFor();
      expect(await page.locator('main').innerText()).not.toContain('Phone#123');
      const caseNumber = await page.locator('main .typed').innerText();
      const { name, bytes } = await savedFile(page, words.saveForm);
      expect(name).toBe(`${caseNumber}.pdf`);
      const { text, barCodes } = readPdf(bytes);
      expect(barCodes).toEqual([`CODE-128:${caseNumber}`]);
      expect(text).toContain('手機申請有限公司');
      expect(text).not.toContain('Phone#123');

      await page.getByRole('link', { name: common.pages.applyProgress }).last().click();
      await page.getByLabel(words.caseNumber).fill(caseNumber);
      await page.getByLabel(words.userCode).fill('Phone#123');
      await page.getByRole('button', { name: words.find, exact: true }).click();
      await page.getByText(words.states.received).waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'an application that was sent back is corrected by its applicant, printed anew, and approved',
    async () => {
      const { apply: words, common, errors } = WORDS['zh-TW'];
      const page = await browser.page();
      const button = (name: string) => page.getByRole('button', { name, exact: true });
      const lookUp = async (path: string, label: string) => {
        await page.goto(path);
        await page.getByLabel(words.caseNumber).fill(caseNumber);
        await page.getByLabel(words.userCode).fill(APPLICATION.userCode);
        await button(label).click();
      };
      const { caseNumber } = (await (
        await page.request.post('/api/v1/applications', { data: APPLICATION })
      ).json()) as { caseNumber: string };
      await lookUp('/apply/correction', words.find);
      await page.getByText(words.notReturned).waitFor();
      await centre.sendBack(caseNumber, '名稱與登記不符');
      expect(await mailbox.subjectsTo(APPLICATION.contact.email, 1)).toEqual([expect.stringContaining('退回補正')]);

      await lookUp('/apply/progress', words.find);
      await page.getByRole('main').getByRole('link', { name: common.pages.applyCorrect }).last().click();
      await page.getByLabel(words.caseNumber).fill(caseNumber);
      await page.getByLabel(words.userCode).fill('Phone#999');
      await button(words.find).click();
      await page.getByText(errors.codes.codeRefused).waitFor();
      expect(await page.getByLabel(words.userCode).inputValue()).toBe('');
      await page.getByLabel(words.userCode).fill(APPLICATION.userCode);
      await button(words.find).click();
      await page.getByText('名稱與登記不符').waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await page.getByLabel(words.branch).inputValue()).toBe(APPLICATION.branch);
      await page.getByLabel(words.name, { exact: true }).fill('正字測試有限公司');
      await button(words.next).click();
      // What was given once is wanted again, and was not shown.
      await page.getByText(errors.fields.empty).waitFor();
      expect(await page.getByLabel(words.nationalIdAgain).inputValue()).toBe('');
      await page.getByLabel(words.nationalIdAgain).fill(APPLICATION.representative.nationalId);
      await button(words.next).click();
      await page.getByLabel(words.email, { exact: true }).fill('right@phone.example');
      await button(words.next).click();
      await page.getByLabel(words.userCode).fill('Phone#999');
      await button(words.next).click();
      await button(words.resend).click();
      await page.getByText(errors.codes.codeRefused).waitFor();
      await page.getByLabel(words.userCode).fill(APPLICATION.userCode);
      await button(words.next).click();
      await button(words.resend).dblclick();
      await page.getByRole('heading', { name: words.correctedTitle, level: 1 }).waitFor();
      const { text } = readPdf((await savedFile(page, words.saveForm)).bytes);
      expect(text).toContain('正字測試有限公司');
      expect(text).toContain('第1次補正');

      const cardNumber = await centre.approve(caseNumber);
      await lookUp('/apply/progress', words.find);
      await page.getByText(words.states.approved, { exact: true }).waitFor();
      await page.getByText(cardNumber).waitFor();
      await lookUp('/apply/form', words.makeForm);
      expect((await savedFile(page, words.saveForm)).name).toBe(`${caseNumber}.pdf`);
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    },
    MINUTE,
  );
}
