import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ensureKeyPair } from '#libs/credentials';
import { issueToken } from '#libs/doors';
import type { DemoUser } from '../../services/all-in-one/src/demo-users.js';
import { ask, askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { type Language, type TestBrowser, violations, windowFrom } from './browser.js';
import { centreFlows } from './centre-flows.js';
import type { CardsInTheLetter } from './issued-cards.js';
import { nightFlows } from './night-flows.js';
import { CONSOLE_WORDS, Officer } from './officer.js';

const MINUTE = 60_000;

/** What officers do at the console: each flow once, the languages in turn. */
export function consoleFlows(browser: TestBrowser, cards: CardsInTheLetter, instance: Instance): void {
  const api = (path: string) => `${instance.address.url}/api/v1${path}`;
  const statusOf = async (cardNumber: string, status: string) =>
    askUntil(
      ({ body }) => (body['items'] as { status: string }[] | undefined)?.[0]?.status === status,
      'GET',
      api(`/certificates?cardNumber=${cardNumber}`),
    );

  let revoked: string | undefined;

  it.each([
    ['lin', 'zh-TW', 'applications', undefined],
    ['chen', 'en', 'approvals', 'applications'],
    ['huang', 'zh-TW', 'approvals', 'returns'],
    ['kiosk-1', 'en', undefined, 'applications'],
  ] as const)(
    '%s signs in, in %s, sees what the role may do and is told what it may not; a reload asks nobody',
    async (user: DemoUser, language: Language, first, forbidden) => {
      const officer = await Officer.signIn(browser, user, { language });
      const { page, words } = officer;
      if (first) await page.getByRole('heading', { level: 1, name: words[first].title }).waitFor();
      if (forbidden) {
        await officer.open(forbidden);
        await page.getByText(words.notAllowed).waitFor();
      }
      await officer.open('list');
      await page.reload();
      await officer.isIn(user);
      await page.getByRole('heading', { level: 1, name: words.list.title }).waitFor();
      expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toContain('eyJ');
      expect(page.url()).not.toMatch(/code=|state=/);
      await officer.close();
    },
    MINUTE,
  );

  it(
    'shows nothing before somebody signs in, nor after signing out',
    async () => {
      const officer = await Officer.signIn(browser, 'wu');
      const { page, words } = officer;
      await page.getByRole('button', { name: words.login.logOut }).click();
      expect(await violations(page)).toEqual([]);
      await page.locator('button[name=logout]').click();
      await page.getByText(words.login['logged-out']).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.goto('/console/cards');
      await page.getByRole('button', { name: words.login.signIn, exact: true }).waitFor();
      await page.goto('/console/login?code=stolen&state=of-somebody-else');
      await page.getByText(words.login['handed-over']).waitFor();
      await officer.close();
    },
    MINUTE,
  );

  it(
    'an application is approved once, another rejected with a reason, by keyboard alone',
    async () => {
      const apply = async (name: string) => {
        const { body } = await ask('POST', api('/applications'), {
          json: {
            ...{ kind: 'company', name, ubn: '12345675', userCode: 'Browse#77' },
            representative: { name: '林測試' },
            contact: { name: '林測試', email: 'q@browser.example', phone: '02-0000-0000', address: '臺北市測試路1號' },
          },
        });
        return String(body['caseNumber']);
      };
      const stock = { token: await instance.token('chen'), json: { cardNumbers: ['MT00000000009901'] } };
      await ask('POST', api('/card-stock'), stock); // else the next card that is taken into stock would be this case's
      const [good, bad] = [await apply('核准測試有限公司'), await apply('駁回測試有限公司')];
      const officer = await Officer.signIn(browser, 'lin');
      const { page, words } = officer;
      const { applications } = words;
      await officer.unfold(good);
      await officer.send(applications.decision, applications.send);
      await page.getByText(good).first().waitFor();
      await page.locator('summary').filter({ hasText: good }).waitFor({ state: 'detached' });

      await page.locator('summary').filter({ hasText: bad }).focus();
      await page.keyboard.press('Enter');
      await officer.form(applications.decision).getByLabel(applications.decision).focus();
      await page.keyboard.press('End');
      await page.getByRole('button', { name: applications.send }).focus();
      await page.keyboard.press('Enter');
      await page.locator('textarea:focus').waitFor();
      await page.keyboard.type('印章不符');
      await page.getByRole('button', { name: applications.send }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      expect(await page.getByLabel(applications.reason, { exact: true }).inputValue()).toBe('印章不符');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Enter');
      await page.locator('summary').filter({ hasText: bad }).waitFor({ state: 'detached' });

      const token = await instance.token('lin');
      const all = await ask('GET', api('/applications?limit=100'), { token });
      const found = (all.body['items'] as { caseNumber: string; state: string; reason: string | null }[]).filter(
        ({ caseNumber }) => [good, bad].includes(caseNumber),
      );
      expect(found.find(({ caseNumber }) => caseNumber === good)?.state).toBe('approved');
      expect(found).toContainEqual(expect.objectContaining({ caseNumber: bad, state: 'rejected', reason: '印章不符' }));
      await officer.close();
    },
    MINUTE,
  );

  it(
    'a card is held, by somebody whose token expires meanwhile, released, and revoked by two; its history tells all of it',
    async () => {
      const { cardNumber } = await cards.issue('A');
      const wang = await Officer.signIn(browser, 'wang');
      const { page, words } = wang;
      const { cards: texts, login } = words;
      const dialog = page.getByRole('dialog');
      await wang.openCard(cardNumber);
      await expireToken(page);
      await wang.unfold(texts.hold);
      const ground = wang.form(texts.hold).getByLabel(words.ground);
      await ground.fill('來函：hold');
      await wang.send(texts.hold);
      await dialog.getByText(login.expiredLead).waitFor();
      expect(await violations(page)).toEqual([]);
      await dialog.getByRole('button', { name: login.notNow }).click();
      await page.getByRole('alert').waitFor();
      expect(await ground.inputValue()).toBe('來函：hold');
      await wang.send(texts.hold);
      const opened = await windowFrom(page.context(), () =>
        dialog.getByRole('button', { name: login.signIn, exact: true }).click(),
      );
      if (!opened.isClosed()) await opened.waitForEvent('close');
      await page.getByText(texts.holdDone).waitFor();
      await statusOf(cardNumber, 'suspended');

      await wang.unfold(texts.release);
      await wang.form(texts.release).getByLabel(words.ground).fill('來函：release');
      await wang.send(texts.release);
      await page.getByText(texts.releaseDone).waitFor();
      await statusOf(cardNumber, 'pending');

      await wang.unfold(texts.revoke);
      await wang.form(texts.revoke).getByLabel(words.ground).fill('公司解散');
      await wang.send(texts.revoke, texts.revokeButton);
      await page.getByText(texts.revokeDone).waitFor();
      await wang.open('approvals');
      await wang.unfold(cardNumber);
      await page.getByText(words.approvals.own).waitFor();
      expect(await wang.form(words.approvals.approve).count()).toBe(0);
      const wu = await Officer.signIn(browser, 'wu', { language: 'en' });
      await wu.decide(cardNumber);
      await statusOf(cardNumber, 'revoked');
      await wu.openCard(cardNumber);
      const history = wu.page.getByRole('list', { name: wu.words.cards.history });
      for (const said of ['來函：hold', '來函：release', '公司解散', 'Approved by wu'])
        await history.getByText(said).waitFor();
      await wu.page.getByRole('main').getByText(wu.words.statuses.revoked, { exact: true }).waitFor();
      revoked = cardNumber;
      await wang.close();
      await wu.close();
    },
    2 * MINUTE,
  );

  /** The next two holds are sent under a token of wang's that has expired. */
  async function expireToken(page: Page): Promise<void> {
    const key = await ensureKeyPair(join(instance.dataDir, 'secrets', 'issuer.jwk'), 'Ed25519');
    const expired = await issueToken(key, {
      ...{ issuer: instance.address.issuer, subject: 'wang', roles: ['ca-officer'], lifetimeSeconds: -600 },
    });
    let left = 2;
    await page.route('**/hold', async (route) => {
      const headers = { ...route.request().headers(), ...(left-- > 0 && { authorization: `Bearer ${expired}` }) };
      await route.continue({ headers });
    });
  }

  centreFlows(browser, cards, instance);
  nightFlows(browser, instance, () => revoked ?? cards.issue('A').then(({ cardNumber }) => cardNumber));

  it('says the same in both languages', () => {
    const keys = (texts: object): string[] =>
      Object.entries(texts).flatMap(([key, value]) =>
        typeof value === 'object' ? keys(value as object).map((below) => `${key}.${below}`) : [key],
      );
    expect(keys(CONSOLE_WORDS.en)).toEqual(keys(CONSOLE_WORDS['zh-TW']));
  });
}
