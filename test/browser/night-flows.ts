import { expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { type Answer, ask, askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { at, itemsOf, storyDays } from '../demo/world.js';
import { LOOKS, overflows, type TestBrowser, violations } from './browser.js';
import { MachineRoom } from './machine-room.js';
import { Officer, type Section } from './officer.js';

/** Held now, or revoked before; its owner may still have to hear of its issue. */
const onTheList = ({ status, body }: Answer) => status < 300 || body.type === 'urn:kaika:error:cardRevoked';
const RAW_KEY = /\b(?:applications|approvals|cards|list|returns|deadLetters|common|errors|agent)[.:][a-zA-Z]\w*/;

/**
 * The last of all: the instance's midnight comes, and what officers see when everything has happened once.
 *
 * @param anyCard  one that is on the list already, or can be held
 */
export function nightFlows(browser: TestBrowser, instance: Instance, anyCard: () => Promise<string> | string): void {
  const room = new MachineRoom(instance);
  const api = (path: string) => `${instance.address.url}/api/v1${path}`;
  const newestList = async (kind: string) =>
    askUntil((answer) => itemsOf(answer)[0]?.['kind'] === kind, 'GET', api('/crls?limit=1'));

  it(
    'an emergency list goes out by two; tonight’s loses an entry, is held, explained, and released by two',
    async () => {
      const cardNumber = await anyCard();
      const token = await instance.token('wang');
      const hold = { token, json: { holder: 'ca', ground: '來函' }, headers: { 'idempotency-key': cardNumber } };
      await askUntil(onTheList, 'POST', api(`/cards/${cardNumber}/hold`), hold);
      const wang = await Officer.signIn(browser, 'wang');
      const wu = await Officer.signIn(browser, 'wu', { language: 'en' });
      const chen = await Officer.signIn(browser, 'chen', { language: 'en' });
      const { list } = wang.words;
      await wang.open('list');
      await wang.form(list.emergency).getByLabel(wang.words.ground).fill('媒體詢問');
      await wang.send(list.emergency, list.emergencyButton);
      await wang.page.getByText(list.emergencyDone).waitFor();
      await wu.decide(wu.words.approvals.about.emergency);
      await newestList('emergency');

      expect(await room.sql('delete from crl_publisher.listing where card_number = $1', [cardNumber])).toBeGreaterThan(
        1,
      );
      const midnight = at(storyDays(systemClock().now()).second, 0, 1);
      await ask('PUT', `${instance.address.url}/throwaway/clock`, { json: { at: midnight.toISOString() } });
      const held = await askUntil((answer) => itemsOf(answer).length === 1, 'GET', api('/crls/held'), { token });
      const { report } = itemsOf(held)[0] as { report: { unexplained: { gone: string[] } } };

      expect(report.unexplained.gone).toHaveLength(2);

      await chen.open('list');
      const { page } = chen;
      const words = chen.words.list;
      await page.locator('.notice-title').getByText(words.isHeld.replace('{{cut}}', '')).waitFor();
      for (const serial of report.unexplained.gone) await page.locator('.notice').getByText(serial).waitFor();
      await page.getByText('runHeld').waitFor();
      const differences = page.getByRole('region', { name: words.differences });
      const row = differences.getByRole('row').filter({ hasText: cardNumber }).first();
      await row.getByText(words.explanations.log).waitFor();
      expect(await violations(page)).toEqual([]);

      await wang.open('list');
      await wang.form(list.release).getByLabel(wang.words.ground).fill('已查明：卡片登錄錯誤');
      await wang.send(list.release);
      await wang.page.getByText(list.releaseDone).waitFor();
      await wang.open('approvals');
      const about = wang.words.approvals.about.release.replace('{{cut}}', '');
      await wang.unfold(about);
      await wang.page.getByText(wang.words.approvals.own).waitFor();
      await wu.decide(wu.words.approvals.about.release.replace('{{cut}}', ''));
      await newestList('scheduled');

      await chen.open('approvals');
      await chen.open('list');
      await page.getByText(words.nothingHeld).waitFor();
      await differences.getByText(words.explanations.none).first().waitFor();
      for (const officer of [wang, wu, chen]) await officer.close();
    },
    2 * 60_000,
  );

  it(
    'shows every page of the console, with what is in it, without a violation of WCAG 2.2 AA at 1440 and 320 px',
    async () => {
      const wrong: unknown[] = [];
      const [lin, wang] = [
        await Officer.signIn(browser, 'lin', { language: 'en', width: 1440 }),
        await Officer.signIn(browser, 'wang', { width: 1440 }),
      ];
      const look = async ({ page }: Officer, about: string) => {
        await page.locator('.loading').first().waitFor({ state: 'detached' });
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.emulateMedia({ colorScheme: 'light' });
        const found = await violations(page);
        const raw = RAW_KEY.exec(await page.locator('main').innerText())?.[0];
        await page.setViewportSize({ width: 320, height: 900 });
        await page.emulateMedia({ colorScheme: 'dark' });
        found.push(...(await violations(page, LOOKS)));
        const isWide = await overflows(page);
        if (found.length > 0 || raw !== undefined || isWide) wrong.push({ about, found, raw, isWide });
      };
      const queue = async (officer: Officer, section: Section, state: string) => {
        await officer.open(section);
        await officer.page.getByLabel(officer.words.stateShown).selectOption(state);
        await officer.page.locator('main .entries summary').first().click();
        await look(officer, `${section} ${state}`);
      };
      await queue(lin, 'applications', 'approved');
      await queue(wang, 'approvals', 'approved');
      await queue(wang, 'returns', '');
      await queue(wang, 'deadLetters', 'replayed');
      await wang.open('list');
      await wang.page.getByText(wang.words.list.table).click();
      await look(wang, 'list');
      await wang.open('cards');
      await look(wang, 'cards');
      await wang.openCard('MT00000000000081');
      for (const act of await wang.page.locator('main .acts > details > summary').all()) await act.click();
      await look(wang, 'card');
      expect(wrong).toEqual([]);
      await lin.close();
      await wang.close();
    },
    2 * 60_000,
  );
}
