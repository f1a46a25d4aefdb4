import { describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { agentStates } from './agent-states.js';
import { AtTheCounter } from './activation.js';
import { type TestBrowser, violations } from './browser.js';
import type { Centre } from './centre.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const { activate, agent, codes, common, errors, status } = WORDS['zh-TW'];

/** What goes wrong on the way, as the holder sees it. The card is issued, and none of this opens it. */
export function problemFlows(browser: TestBrowser, cards: CardsInTheLetter, centre: Centre): void {
  let card: IssuedCard;

  const atTheCounter = async (way: 'A' | 'B' = 'A') => {
    card ??= await cards.issue('A');
    await cards.insert(card);
    const page = await browser.page();
    const person = new AtTheCounter(page, 'zh-TW', { ...card, way });
    await person.start();
    return { page, person };
  };
  const codeField = (page: Page) => page.getByLabel(activate.userCode);
  const alert = (page: Page) => page.getByRole('alert');

  it(
    'says 3005 for a wrong user code, empties it, keeps the rest; says after ten seconds what it waits for, and lets go',
    async () => {
      const { page, person } = await atTheCounter();
      await person.readCard();
      await codeField(page).fill('Wrong#123');
      await person.press('accept');
      await alert(page).getByText('3005').waitFor();
      expect(await alert(page).innerText()).toContain(errors.codes.codeRefused);
      expect(await codeField(page).inputValue()).toBe('');
      expect(await page.evaluate('document.activeElement.name')).toBe('userCode');
      expect(await page.getByText(card.cardNumber).isVisible()).toBe(true);
      expect(await page.evaluate('location.href + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).not.toContain('Wrong#123'); // prettier-ignore

      await person.identify();
      await page.clock.install();
      let let_go = () => {};
      await page.route(/\/v1\/proofs$/, async (route) => {
        await new Promise<void>((resolve) => (let_go = resolve));
        await route.abort().catch(() => {});
      });
      await person.press('accept');
      await page.getByText('系統處理中，請稍候').waitFor();
      expect(await page.getByRole('button', { name: activate.accept }).isDisabled()).toBe(true);
      expect(await page.getByText(activate.waitsFor.acceptance).count()).toBe(0);
      await page.clock.fastForward(10_500);
      await page.getByText(activate.waitsFor.acceptance).waitFor();
      await page.getByRole('button', { name: common.cancel }).click();
      await page.getByText('系統處理中，請稍候').waitFor({ state: 'detached' });
      expect(await codeField(page).inputValue()).toBe(card.userCode);
      let_go();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'says beside each field what is wrong; asks 是 or 否 of an unusual national ID; says 3005 for the wrong way',
    async () => {
      const { page, person } = await atTheCounter('B');
      const sent: string[] = [];
      page.on('request', (request) => sent.push(request.url()));
      const acts = () => sent.filter((url) => url.includes('/activations'));
      await person.readCard();
      await page.getByLabel(activate.nationalId).fill('A100000001');
      await page.getByLabel(activate.email).fill('nobody');
      await page.getByLabel(activate.newUserCode, { exact: true }).fill('Portal#99');
      await page.getByLabel(activate.newUserCodeAgain, { exact: true }).fill('Portal#98');
      await person.press('accept');
      await page.getByText(errors.fields.email).waitFor();
      await page.getByText(errors.fields.twice).waitFor();
      await page.getByText(errors.fields.empty).waitFor();
      expect(await page.evaluate('document.activeElement.name')).toBe('birthYear');
      expect(await page.getByLabel(activate.email).inputValue()).toBe('nobody');

      await person.identify();
      await person.setUserCode();
      await page.getByLabel(activate.nationalId).fill('12345678');
      await person.press('accept');
      const dialog = page.getByRole('dialog');
      await dialog.getByText('您所輸入之身分證字號不符合公式').waitFor();
      await dialog.getByText('身分證字號：12345678').waitFor();
      await dialog.getByText('確定輸入無誤？').waitFor();
      expect(acts()).toEqual([]);
      await page.keyboard.press('Escape');
      expect(await page.getByLabel(activate.nationalId).inputValue()).toBe('12345678');
      await person.press('accept');
      const [request] = await Promise.all([
        page.waitForRequest(/\/acceptance$/),
        dialog.getByRole('button', { name: '是' }).click(),
      ]);
      expect(request.postDataJSON()).toMatchObject({ nationalId: '12345678', confirmed: true });
      await alert(page).getByText('3005').waitFor();
      expect(await page.getByLabel(activate.nationalId).inputValue()).toBe('');
      expect(await page.getByLabel(activate.email).inputValue()).toBe(card.email);
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'refuses wrong data; tells the codes of the manual: 3125 press again, held, expired, 4931 apply anew, 27011 send it in',
    async () => {
      const { page, person } = await atTheCounter();
      await person.identify();
      await person.readCard();
      await person.press('wrongData');
      await page.getByLabel(activate.whatIsWrong).fill('公司名稱已變更');
      await person.press('sendWrong');
      await page.getByText(activate.refused).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto('/status/search');
      await page.getByLabel(status.criteria.cardNumber, { exact: true }).first().check();
      await page.getByRole('textbox').fill(card.cardNumber);
      await page.getByRole('button', { name: status.find, exact: true }).click();
      await page.locator('.found .status.pending').waitFor();
      expect(await page.getByRole('link', { name: /PEM/ }).count()).toBe(0);

      await person.start();
      await person.readCard();
      await person.identify();
      await centre.withoutSuspension(async () => {
        await person.press('accept');
        await alert(page).getByText('3125').waitFor();
        expect(await alert(page).innerText()).toContain(errors.codes.centreUnreachable);
      });
      // Nobody judged it: it is not to be typed again, just pressed.
      expect(await codeField(page).inputValue()).toBe(card.userCode);
      await centre.hold(card.cardNumber);
      await person.press('accept');
      await alert(page).getByText(errors.codes.cardHeld).waitFor();
      await centre.release(card.cardNumber);
      await centre.whenExpired(card.cardNumber, async () => {
        await person.identify();
        await person.press('accept');
        await alert(page).getByText(errors.codes.cardExpired).waitFor();
      });
      await centre.revoke(card.cardNumber);
      await person.identify();
      await person.press('accept');
      await alert(page).getByText('4931').waitFor();
      expect(await alert(page).innerText()).toContain(errors.codes.cardRevoked);
      await alert(page).getByRole('link', { name: common.pages.apply }).waitFor();

      await cards.insert(null);
      await centre.lock(card.cardNumber);
      await cards.insert(card);
      await page.getByText(agent.todo.locked).waitFor();
      await person.identify();
      await person.press('accept');
      await alert(page).getByText(errors.codes.cardBlocked).waitFor();
      await page.getByText(agent.lockReported).waitFor();
      expect(await violations(page)).toEqual([]);

      await alert(page).getByRole('link', { name: common.pages.unlock }).click();
      await page.getByLabel(codes.userCode, { exact: true }).fill(card.userCode);
      await page.getByRole('button', { name: codes.next }).click();
      await alert(page).getByText(errors.codes.cardNotAccepted).waitFor();
      await page.getByText(agent.lockReported).waitFor();
      expect((await centre.evidence(card.cardNumber)).filter((act) => act === 'report-lock')).toHaveLength(1);
      await page.context().close();
    },
    2 * MINUTE,
  );

  describe('at the counter', () => agentStates());
}
