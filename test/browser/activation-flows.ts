import { expect, it } from '@jest/globals';
import { AtTheCounter } from './activation.js';
import type { Language, TestBrowser } from './browser.js';
import { LOOKS, overflows, violations } from './browser.js';
import type { CardsInTheLetter } from './issued-cards.js';

const MINUTE = 60_000;

export function activationFlows(browser: TestBrowser, cards: CardsInTheLetter): void {
  it.each([
    ['A', 'zh-TW'],
    ['B', 'en'],
  ] as const)(
    'goes by way %s in %s from the first screen to the last',
    async (way, language: Language) => {
      const card = await cards.issue(way);
      await cards.insert(card);
      const page = await browser.page({ language });
      const person = new AtTheCounter(page, language, card);
      const rules = language === 'en' ? LOOKS : undefined;
      await person.start();
      await person.identify();
      await person.readCard();
      if (way === 'B') await person.setUserCode();
      expect(await violations(page, rules)).toEqual([]);
      await person.press('accept');
      await person.accepted();
      expect(await violations(page, rules)).toEqual([]);
      await person.setPin();
      await person.done();
      expect(await violations(page, rules)).toEqual([]);
      expect(await overflows(page)).toBe(false);
      await page.context().close();
    },
    MINUTE,
  );
}
