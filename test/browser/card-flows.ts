import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Language, type TestBrowser, violations, windowFrom } from './browser.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const OLD_PIN = '24681357';
const NEW_PIN = '13572468';

/** Everything about a card that is open: suspend, look up, resume, lose, its codes. One card after another language. */
export function cardFlows(browser: TestBrowser, cards: CardsInTheLetter, card: () => IssuedCard): void {
  const command = async (page: Page, language: Language, what: 'suspend' | 'resume') => {
    const words = WORDS[language].cards;
    await page.getByRole('radio', { name: words.commands[what], exact: true }).check();
    await page.getByLabel(words.cardNumber).fill(card().cardNumber.toLowerCase());
    await page.getByLabel(words.userCode).fill(card().userCode);
    await page.getByRole('button', { name: words.send }).click();
    await page.getByRole('heading', { name: words.receiptTitle }).waitFor();
  };
  const statusOf = async (page: Page, language: Language) => {
    const { common, status } = WORDS[language];
    await page.getByRole('link', { name: common.pages.search, exact: true }).first().click();
    await page.getByLabel(status.criteria.cardNumber, { exact: true }).first().check();
    await page.getByRole('textbox').fill(card().cardNumber);
    await page.getByRole('button', { name: status.find, exact: true }).click();
    await page.getByRole('region', { name: card().cardNumber }).waitFor();
    return page.locator('.found .status').innerText();
  };

  it.each(['zh-TW', 'en'] as const)(
    'suspends and resumes in %s: receipt, search at once, receipt found again',
    async (language) => {
      const { common, cards: words } = WORDS[language];
      const page = await browser.page({ language, width: language === 'en' ? 320 : 1280 });
      await page.goto('/cards/suspend-resume');
      await command(page, language, 'suspend');
      await page.getByText(words.midnight).waitFor();
      expect(await violations(page)).toEqual([]);
      const id = await page.locator('.receipt .mono').first().innerText();
      expect(await page.getByLabel(words.userCode).inputValue()).toBe('');
      if (language === 'en') await page.goto('/status/search');
      expect(await statusOf(page, language)).toBe(common.statuses.suspended);
      await page.goto('/cards/receipt');
      await page.getByLabel(words.receiptId).fill(id);
      await page.getByRole('button', { name: words.find, exact: true }).click();
      await page.locator('.receipt').getByText(words.commands.suspend, { exact: true }).waitFor();
      await page.goto('/cards/suspend-resume');
      await command(page, language, 'resume');
      await page.locator('.receipt .status.valid').waitFor();
      expect(page.url()).not.toContain(card().userCode);
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'finds a lost card by its 統一編號 and suspends it, by the keyboard alone',
    async () => {
      const { cards: words } = WORDS['zh-TW'];
      const page = await browser.page();
      await page.goto('/cards/lost');
      await page.getByLabel(words.ubn).focus();
      await page.keyboard.type(card().ubn);
      await page.keyboard.press('Enter');
      await page.getByText(words.chooseCard).waitFor();
      const focused = (what: string) => page.evaluate(`document.activeElement.${what}`);
      for (let i = 0; i < 20 && (await focused('type')) !== 'radio'; i += 1) await page.keyboard.press('Tab');
      const wanted = page.getByRole('radio', { name: card().cardNumber });
      await page.keyboard.press('Space');
      for (let i = 0; i < 10 && !(await wanted.isChecked()); i += 1) await page.keyboard.press('ArrowDown');
      expect(await wanted.isChecked()).toBe(true);
      for (let i = 0; i < 10 && (await focused('name')) !== 'userCode'; i += 1) await page.keyboard.press('Tab');
      await page.keyboard.type(card().userCode);
      await page.keyboard.press('Enter');
      await page.locator('.receipt .status.suspended').waitFor();
      await page.goto('/cards/suspend-resume');
      await command(page, 'zh-TW', 'resume');
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'changes the user code, the PIN, and sets a forgotten PIN again',
    async () => {
      const { codes: words, activate, common } = WORDS['zh-TW'];
      await cards.insert(card());
      const page = await browser.page();
      await page.goto('/codes/user-code');
      await page.getByLabel(words.cardNumber).fill(card().cardNumber);
      await page.getByLabel(words.oldUserCode).fill(card().userCode);
      await page.getByLabel(words.newUserCode, { exact: true }).fill('Changed#1');
      await page.getByLabel(words.newUserCodeAgain, { exact: true }).fill('Changed#1');
      await page.getByRole('button', { name: words.change }).click();
      await page.getByText(words.changed).waitFor();
      card().userCode = 'Changed#1';

      await page.goto('/codes/pin');
      const change = page.getByRole('button', { name: common.pages.pinChange });
      const changing = await windowFrom(page.context(), () => change.click());
      await changing.locator('#oldPin').fill(OLD_PIN);
      await changing.locator('#newPin').fill(NEW_PIN);
      await changing.locator('#confirmPin').fill(NEW_PIN);
      await changing.locator('button[type=submit]').click();
      await page.getByText(words.pinEnds.done).waitFor();

      await page.goto('/codes/pin/forgotten');
      await page.getByLabel(words.userCode, { exact: true }).fill(card().userCode);
      await page.getByRole('button', { name: words.next }).click();
      await page.getByText(words.released).waitFor();
      const set = page.getByRole('button', { name: activate.setPin });
      const setting = await windowFrom(page.context(), () => set.click());
      await setting.locator('#newPin').fill(OLD_PIN);
      await setting.locator('#confirmPin').fill(OLD_PIN);
      await setting.locator('button[type=submit]').click();
      await page.getByText(words.pinEnds.done).waitFor();
      await page.context().close();
    },
    2 * MINUTE,
  );
}
