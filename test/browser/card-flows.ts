import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Language, type TestBrowser, violations, windowFrom } from './browser.js';
import type { Centre } from './centre.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import type { Mailbox } from './mailbox.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const OLD_PIN = '24681357';
const NEW_PIN = '13572468';

/** Everything about a card that is open: suspend, look up, resume, lose, its codes. One card after another language. */
export function cardFlows(
  browser: TestBrowser,
  cards: CardsInTheLetter,
  card: () => IssuedCard,
  { centre, mailbox }: { centre: Centre; mailbox: Mailbox },
): void {
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
    'changes the user code, forgets it, and sets another with the code from the mail',
    async () => {
      const { codes: words, errors } = WORDS['zh-TW'];
      await cards.insert(card());
      const page = await browser.page();
      const setTwice = async (code: string) => {
        await page.getByLabel(words.newUserCode, { exact: true }).fill(code);
        await page.getByLabel(words.newUserCodeAgain, { exact: true }).fill(code);
        card().userCode = code;
      };
      await page.goto('/codes/user-code');
      await page.getByLabel(words.cardNumber).fill(card().cardNumber);
      await page.getByLabel(words.oldUserCode).fill(card().userCode);
      await setTwice('Changed#1');
      await page.getByRole('button', { name: words.change }).click();
      await page.getByText(words.changed).waitFor();

      await page.goto('/codes/user-code/forgotten');
      await page.getByRole('button', { name: words.sendCode }).dblclick();
      await page.getByText(words.codeSentNext).waitFor();
      expect(await violations(page)).toEqual([]);
      const code = await mailbox.codeFor(card().email);
      await page.getByLabel(words.oneTimeCode).fill(code === '00000000' ? '11111111' : '00000000');
      await setTwice('Changed#2');
      await page.getByRole('button', { name: words.setUserCode, exact: true }).click();
      await page.getByRole('alert').getByText(errors.codes.oneTimeCodeRefused).waitFor();
      expect(await page.evaluate('document.activeElement.name')).toBe('oneTimeCode');
      await page.getByLabel(words.oneTimeCode).fill(code);
      await page.getByRole('button', { name: words.setUserCode, exact: true }).click();
      await page.getByText(words.changed).waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'changes the PIN until one try is left; locked by another program the card is unlocked, at the second and last time',
    async () => {
      const { agent, codes: words, activate, common } = WORDS['zh-TW'];
      await cards.insert(card());
      const page = await browser.page();
      const typed = async (pinWindow: Page, pins: Record<string, string>) => {
        for (const [field, pin] of Object.entries(pins)) await pinWindow.locator(`#${field}`).fill(pin);
        await pinWindow.locator('button[type=submit]').click();
      };
      const openChange = () =>
        windowFrom(page.context(), () => page.getByRole('button', { name: common.pages.pinChange }).click());
      await page.goto('/codes/pin');
      await typed(await openChange(), { oldPin: OLD_PIN, newPin: NEW_PIN, confirmPin: NEW_PIN });
      await page.getByText(words.pinEnds.done).waitFor();
      const wrong = await openChange();
      for (const left of [5, 4, 3, 2]) {
        await wrong.locator('dd').getByText(String(left), { exact: true }).waitFor();
        await typed(wrong, { oldPin: OLD_PIN, newPin: '11223344', confirmPin: '11223344' });
      }
      await page.getByText(words.pinEnds['last-try']).waitFor();

      await cards.insert(null);
      await centre.lock(card().cardNumber);
      await cards.insert(card());
      await page.getByText(agent.todo.locked).waitFor();
      await page.locator('.agent').getByRole('link', { name: common.pages.unlock }).click();
      const press = async () => {
        await page.getByLabel(words.userCode, { exact: true }).fill(card().userCode);
        await page.getByRole('button', { name: words.next }).click();
        await page.getByText(words.codeSentPin).waitFor();
        await page.getByLabel(words.oneTimeCode).fill(await mailbox.codeFor(card().email));
      };
      const release = async () => {
        await page.getByRole('button', { name: words.next }).click();
        await page.getByText(words.released).waitFor();
        return windowFrom(page.context(), () => page.getByRole('button', { name: activate.setPin }).click());
      };
      await press();
      expect(await page.getByText(words.lastOnline).count()).toBe(0);
      const closed = await release();
      await closed.locator('#newPin').waitFor();
      await closed.close();
      await page.reload();
      await press();
      await page.getByText(words.lastOnline).waitFor();
      expect(await violations(page)).toEqual([]);
      const last = await release();
      await last.getByText('這是最後一次線上重設的機會').waitFor();
      await typed(last, { newPin: OLD_PIN, confirmPin: OLD_PIN });
      await page.getByText(words.pinEnds.done).waitFor();
      await page.context().close();
    },
    MINUTE,
  );
}
