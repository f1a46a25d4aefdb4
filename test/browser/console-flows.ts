import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ensureKeyPair } from '#libs/credentials';
import { issueToken } from '#libs/doors';
import type { DemoUser } from '../../services/all-in-one/src/demo-users.js';
import { ask, askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { type Language, overflows, type TestBrowser, violations, windowFrom } from './browser.js';
import type { CardsInTheLetter } from './issued-cards.js';
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
      for (const section of ['approvals', 'cards', 'list', 'deadLetters'] as const) {
        await officer.open(section);
        await page.locator('.loading').first().waitFor({ state: 'detached' });
        expect({ section, broken: await violations(page) }).toEqual({ section, broken: [] });
      }
      await page.setViewportSize({ width: 320, height: 700 });
      expect(await overflows(page)).toBe(false);
      await page.reload();
      await officer.isIn(user);
      await page.getByRole('heading', { level: 1, name: words.deadLetters.title }).waitFor();
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
      expect(await violations(page)).toEqual([]);
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
    'a card is held, which search says at once, released, and revoked by two officers; its history tells all of it',
    async () => {
      const { cardNumber } = await cards.issue('A');
      const wang = await Officer.signIn(browser, 'wang');
      const wu = await Officer.signIn(browser, 'wu', { language: 'en' });
      await wang.openCard(cardNumber);
      for (const [act, status] of [
        ['hold', 'suspended'],
        ['release', 'pending'],
      ] as const) {
        const label = wang.words.cards[act];
        await wang.unfold(label);
        await wang.form(label).getByLabel(wang.words.ground).fill(`來函 ${act}`);
        await wang.send(label);
        await wang.page.getByText(wang.words.cards[`${act}Done`]).waitFor();
        await statusOf(cardNumber, status);
      }
      const { cards: texts } = wang.words;
      await wang.unfold(texts.revoke);
      await wang.form(texts.revoke).getByLabel(wang.words.ground).fill('公司解散');
      await wang.send(texts.revoke, texts.revokeButton);
      await wang.page.getByText(texts.revokeDone).waitFor();
      await wang.open('approvals');
      await wang.unfold(cardNumber);
      await wang.page.getByText(wang.words.approvals.own).waitFor();
      expect(await wang.form(wang.words.approvals.approve).count()).toBe(0);

      await wu.open('approvals');
      await wu.unfold(cardNumber);
      expect(await violations(wu.page)).toEqual([]);
      await wu.send(wu.words.approvals.approve);
      await wu.page.getByText(wu.words.approvals.told).waitFor();
      await statusOf(cardNumber, 'revoked');
      await wu.openCard(cardNumber);
      const history = wu.page.getByRole('list', { name: wu.words.cards.history });
      for (const said of ['來函 hold', '來函 release', '公司解散', 'Approved by wu'])
        await history.getByText(said).waitFor();
      await wu.page.getByRole('main').getByText(wu.words.statuses.revoked, { exact: true }).waitFor();
      await wang.close();
      await wu.close();
    },
    2 * MINUTE,
  );

  it(
    'a token that expires in the middle of a form is asked for anew, and nothing typed is lost',
    async () => {
      const { cardNumber } = await cards.issue('A');
      const officer = await Officer.signIn(browser, 'wang');
      const { page, words } = officer;
      const key = await ensureKeyPair(join(instance.dataDir, 'secrets', 'issuer.jwk'), 'Ed25519');
      const expired = await issueToken(key, {
        ...{ issuer: instance.address.issuer, subject: 'wang', roles: ['ca-officer'], lifetimeSeconds: -600 },
      });
      let left = 2;
      await page.route('**/hold', async (route) => {
        const headers = { ...route.request().headers(), ...(left-- > 0 && { authorization: `Bearer ${expired}` }) };
        await route.continue({ headers });
      });
      await officer.openCard(cardNumber);
      const label = words.cards.hold;
      await officer.unfold(label);
      const ground = officer.form(label).getByLabel(words.ground);
      await ground.fill('逾時測試');
      await officer.send(label);
      await page.getByRole('dialog').getByText(words.login.expiredLead).waitFor();
      expect(await violations(page)).toEqual([]);
      await page.getByRole('dialog').getByRole('button', { name: words.login.notNow }).click();
      await page.getByRole('alert').waitFor();
      expect(await ground.inputValue()).toBe('逾時測試');

      await officer.send(label);
      const again = page.getByRole('dialog').getByRole('button', { name: words.login.signIn, exact: true });
      const opened = await windowFrom(page.context(), () => again.click());
      if (!opened.isClosed()) await opened.waitForEvent('close');
      await page.getByText(words.cards.holdDone).waitFor();
      await statusOf(cardNumber, 'suspended');
      await officer.close();
    },
    MINUTE,
  );

  it('says the same in both languages', () => {
    const keys = (texts: object): string[] =>
      Object.entries(texts).flatMap(([key, value]) =>
        typeof value === 'object' ? keys(value as object).map((below) => `${key}.${below}`) : [key],
      );
    expect(keys(CONSOLE_WORDS.en)).toEqual(keys(CONSOLE_WORDS['zh-TW']));
  });
}
