import { expect, it } from '@jest/globals';
import { readPdf } from '../../services/issuance/src/paper/read-pdf.fixture.js';
import helpZh from '../../services/portal/web/src/i18n/texts/help.zh-TW.js';
import { type TestBrowser, violations, windowFrom } from './browser.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { pressByKeyboard, typeByKeyboard } from './keyboard.js';
import { savedFile } from './saved-file.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const { cards: words, status } = WORDS['zh-TW'];

/** What is left of both manuals, and of DOMAIN.md §6. */
export function otherFlows(browser: TestBrowser, cards: CardsInTheLetter, card: () => IssuedCard): void {
  it(
    'activates a card (way A) in English by the keyboard alone',
    async () => {
      const { activate, common } = WORDS.en;
      const own = await cards.issue('A');
      await cards.insert(own);
      const page = await browser.page({ language: 'en' });
      await page.goto('/activate');
      await pressByKeyboard(page, activate.wayA);
      await page.getByLabel(activate.userCode).waitFor();
      await typeByKeyboard(page, activate.userCode, own.userCode);
      await pressByKeyboard(page, activate.read);
      await page.getByText(own.cardNumber).waitFor();
      await pressByKeyboard(page, activate.accept);
      await page.getByText(activate.accepted).waitFor();
      // The next step has the focus already.
      const pinWindow = await windowFrom(page.context(), () => page.keyboard.press('Enter'));
      await pinWindow.locator('#newPin').waitFor();
      await pinWindow.keyboard.type('24681357');
      await pinWindow.keyboard.press('Tab');
      await pinWindow.keyboard.type('24681357');
      await pinWindow.keyboard.press('Enter');
      await page.getByText(activate.done).waitFor();
      await pressByKeyboard(page, common.pages.services);
      await page.getByRole('heading', { name: common.pages.services, level: 1 }).waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'makes the slip of a card that is sent in, and tells how it goes',
    async () => {
      const page = await browser.page({ width: 320 });
      await page.goto('/cards/sent-in');
      await page.getByLabel(words.cardNumber).fill(card().cardNumber);
      await page.getByLabel(words.errorMessage).fill('不明連接卡');
      await page.getByLabel(words.contactName).fill('李測試');
      await page.getByLabel(words.phone).fill('02-0000-0001');
      await page.getByLabel(words.address).fill('臺北市測試路2號');
      await page.getByRole('button', { name: words.makeSlip }).dblclick();
      await page.getByText(words.slipCodeOnce).waitFor();
      expect(await violations(page)).toEqual([]);
      const [caseNumber, slipCode] = await page.locator('main .facts .mono').allInnerTexts();
      const { barCodes, text } = readPdf((await savedFile(page, words.saveSlip)).bytes);
      expect(barCodes).toEqual([`CODE-128:${caseNumber}`]);
      expect(text).toContain(slipCode!);
      await page.goto('/cards/sent-in/progress');
      await page.getByLabel(words.caseNumber).fill(caseNumber!);
      await page.getByLabel(words.slipCode).fill(slipCode!);
      await page.getByRole('button', { name: words.find, exact: true }).click();
      await page.getByText(words.returnStates.announced).waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'checks the computer: eight items pass with a card, the fifth fails without one',
    async () => {
      await cards.insert(card());
      const page = await browser.page();
      await page.goto('/readers/self-check');
      const start = page.getByRole('button', { name: helpZh.check.start });
      await start.click();
      await page.getByText(helpZh.check.canActivate).waitFor();
      expect(await page.locator('.checks li.pass').count()).toBe(8);
      await cards.insert(null);
      await start.click();
      await page.getByText(helpZh.check.cannotActivate).waitFor();
      expect(await page.locator('.checks li').nth(4).getAttribute('class')).toBe('fail');
      expect(await page.locator('.checks li small').count()).toBe(1);
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'finds certificates by name and gives them to whoever wants them; lists the lists with their digests',
    async () => {
      const page = await browser.page();
      await page.goto('/status/search');
      await page.getByLabel(status.criteria.namePrefix).check();
      await page.getByRole('textbox').fill('瀏覽器測試');
      await page.getByRole('button', { name: status.find, exact: true }).click();
      const found = page.getByRole('region', { name: card().cardNumber });
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        found.getByRole('link', { name: /PEM/ }).first().click(),
      ]);
      expect(download.suggestedFilename()).toMatch(/^[0-9A-F]{32}\.pem$/);
      await page.goto('/status/lists');
      await page.getByRole('rowheader', { name: '1' }).waitFor();
      expect(await page.locator('td.break').first().innerText()).toMatch(/^[0-9a-f]{64}$/);
      expect(await page.getByRole('timer').innerText()).toMatch(/^\d\d:\d\d:\d\d$/);
      await page.context().close();
    },
    MINUTE,
  );

  it('has never put a secret into an address', () => {
    expect(browser.seen.filter((url) => /Browse%23|Browse#|Changed%23|Portal%23|A100000001/.test(url))).toEqual([]);
    expect(browser.seen.length).toBeGreaterThan(50);
  });
}
