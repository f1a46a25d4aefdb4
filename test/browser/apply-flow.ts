import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { readPdf } from '../../services/issuance/src/paper/read-pdf.fixture.js';
import type { TestBrowser } from './browser.js';
import { violations } from './browser.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;

/** What the link to the form saves. */
async function savedForm(page: Page, label: string) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: label, exact: true }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

export function applyFlow(browser: TestBrowser): void {
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
      const { name, bytes } = await savedForm(page, words.saveForm);
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
}
