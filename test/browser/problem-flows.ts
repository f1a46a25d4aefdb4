import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { AtTheCounter } from './activation.js';
import type { TestBrowser } from './browser.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const { activate, agent, common, errors } = WORDS['zh-TW'];
const AGENT = /\/\/127\.0\.0\.1:\d+\/v1\//;

/** What goes wrong on the way, as the holder sees it. The card is issued, and none of this opens it. */
export function problemFlows(browser: TestBrowser, cards: CardsInTheLetter): void {
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
  const answering = (page: Page, url: RegExp, status: number, type: string, legacyCode: string | null) =>
    page.route(url, (route) =>
      route.request().method() === 'OPTIONS'
        ? route.fallback()
        : route.fulfill({
            status,
            contentType: 'application/problem+json',
            body: JSON.stringify({ type: `urn:kaika:error:${type}`, title: type, status, legacyCode }),
          }),
    );

  it(
    'says 3005 for a wrong user code and for the wrong way, empties what is secret, keeps the rest',
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
      await page.context().close();

      const wrongWay = await atTheCounter('B');
      await wrongWay.person.identify();
      await wrongWay.person.readCard();
      await wrongWay.person.setUserCode();
      await wrongWay.person.press('accept');
      await alert(wrongWay.page).getByText('3005').waitFor();
      expect(await wrongWay.page.getByLabel(activate.email).inputValue()).toBe(card.email);
      await wrongWay.page.context().close();
    },
    MINUTE,
  );

  it(
    'shows what was typed when a national ID does not fit the formula, and asks 是 or 否',
    async () => {
      const { page, person } = await atTheCounter('B');
      await person.identify();
      await person.readCard();
      await person.setUserCode();
      await page.getByLabel(activate.nationalId).fill('12345678');
      const sent: string[] = [];
      page.on('request', (request) => sent.push(request.url()));
      await person.press('accept');
      const dialog = page.getByRole('dialog');
      await dialog.getByText('您所輸入之身分證字號不符合公式').waitFor();
      await dialog.getByText('身分證字號：12345678').waitFor();
      await dialog.getByText('確定輸入無誤？').waitFor();
      expect(sent.filter((url) => url.includes('/activations'))).toEqual([]);
      await page.keyboard.press('Escape');
      expect(await page.getByLabel(activate.nationalId).inputValue()).toBe('12345678');
      await person.press('accept');
      const [request] = await Promise.all([
        page.waitForRequest(/\/acceptance$/),
        dialog.getByRole('button', { name: '是' }).click(),
      ]);
      expect(request.postDataJSON()).toMatchObject({ nationalId: '12345678', confirmed: true });
      await alert(page).getByText('3005').waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'says beside each field what is wrong, goes to the first, and sends nothing',
    async () => {
      const { page, person } = await atTheCounter('B');
      await person.readCard();
      await page.getByLabel(activate.nationalId).fill('A100000001');
      await page.getByLabel(activate.email).fill('nobody');
      await page.getByLabel(activate.newUserCode, { exact: true }).fill('Portal#99');
      await page.getByLabel(activate.newUserCodeAgain, { exact: true }).fill('Portal#98');
      const sent: string[] = [];
      page.on('request', (request) => sent.push(request.url()));
      await person.press('accept');
      await page.getByText(errors.fields.email).waitFor();
      await page.getByText(errors.fields.twice).waitFor();
      await page.getByText(errors.fields.empty).waitFor();
      expect(await page.evaluate('document.activeElement.name')).toBe('birthYear');
      expect(sent.filter((url) => url.includes('/activations'))).toEqual([]);
      expect(await page.getByLabel(activate.email).inputValue()).toBe('nobody');
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'tells the codes of the manual: 3125 press again, 4931 apply anew, 27011 send it in',
    async () => {
      const { page, person } = await atTheCounter();
      await person.readCard();
      for (const [type, legacyCode, status] of [
        ['centreUnreachable', '3125', 503],
        ['cardRevoked', '4931', 409],
        ['cardBlocked', '27011', 409],
        ['cardHeld', null, 409],
        ['cardExpired', null, 409],
      ] as const) {
        const url = /\/acceptance$/;
        await answering(page, url, status, type, legacyCode);
        await person.identify();
        await person.press('accept');
        await alert(page).getByText(errors.codes[type]).waitFor();
        if (legacyCode) await alert(page).getByText(legacyCode).first().waitFor();
        // Nobody judged it: it is not to be typed again, just pressed.
        if (type === 'centreUnreachable') expect(await codeField(page).inputValue()).toBe(card.userCode);
        await page.unroute(url);
      }
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'says what to do in every state of agent, reader and card',
    async () => {
      const { page } = await atTheCounter();
      await page.clock.install();
      await page.goto('/activate/self-application');
      for (const state of Object.keys(agent.todo) as (keyof typeof agent.todo)[]) {
        if (['agent-missing', 'permission-denied', 'origin-refused'].includes(state)) continue;
        const url = /\/v1\/status/;
        await page.route(url, (route) =>
          route.request().method() === 'OPTIONS'
            ? route.fallback()
            : route.fulfill({
                json: { version: '0.1.0', state, readers: [] },
                headers: { 'access-control-allow-origin': '*' },
              }),
        );
        await page.clock.fastForward(2_500);
        await page.getByText(agent.todo[state]).waitFor();
        expect(await page.getByText(agent.states[state], { exact: true }).isVisible()).toBe(true);
        await page.unroute(url);
      }
      await page.route(AGENT, (route) => route.abort());
      await page.clock.fastForward(2_500);
      await page.getByText(agent.todo['agent-missing']).waitFor();
      await page.getByRole('button', { name: activate.read }).click();
      await alert(page).getByText(errors.codes.agentMissing).waitFor();
      await page.context().close();
    },
    MINUTE,
  );

  it(
    'says after ten seconds what it waits for, and lets go',
    async () => {
      const { page, person } = await atTheCounter();
      await person.readCard();
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
}
