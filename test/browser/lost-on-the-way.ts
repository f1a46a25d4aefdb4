import { expect, it } from '@jest/globals';
import { AtTheCounter, NEW_CODE } from './activation.js';
import { type TestBrowser, windowFrom } from './browser.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const { activate, errors } = WORDS['zh-TW'];

/** The agent dies in the middle, people press twice and go back: everything happens once, and can be taken up again. */
export function lostOnTheWay(
  browser: TestBrowser,
  cards: CardsInTheLetter,
  activated: (card: IssuedCard) => void,
): void {
  it(
    'takes an activation (way B) up again after the agent died, pressed twice, gone back: it is accepted and activated once',
    async () => {
      const card = { ...(await cards.issue('B')), userCode: NEW_CODE };
      await cards.insert(card);
      const page = await browser.page();
      const person = new AtTheCounter(page, 'zh-TW', card);
      const sent: string[] = [];
      page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).pathname));
      await person.start();
      await person.identify();
      await person.readCard();
      await person.setUserCode();
      await page.getByRole('button', { name: activate.accept, exact: true }).dblclick();
      await person.accepted();
      expect(sent.filter((path) => path.endsWith('/acceptance'))).toHaveLength(1);

      const pinWindow = await windowFrom(page.context(), () => person.press('setPin'));
      const agent = /\/v1\/pin-sessions\//;
      await page.route(agent, (route) => route.abort());
      await page.getByRole('alert').getByText(errors.codes.agentMissing).waitFor();
      await page.unroute(agent);
      await pinWindow.close();

      await page.getByText(activate.resumeHint).waitFor();
      const { userCode } = activate;
      await page.getByLabel(userCode, { exact: true }).fill(card.userCode);
      // An edge without its service answers like that; what the card has signed is sent again, and no PIN asked for.
      const away = { status: 503, contentType: 'text/html', body: '503' };
      await page.route('**/completion', (route) => route.fulfill(away), { times: 1 });
      await person.setPin();
      await page.getByRole('alert').getByText(errors.codes.internal).waitFor();
      await page.getByLabel(userCode, { exact: true }).fill(card.userCode);
      await person.press('setPin');
      await person.done();
      expect(sent.filter((path) => path.endsWith('/completion'))).toHaveLength(2);

      const before = sent.length;
      await page.goBack();
      await page.goForward();
      await page.getByRole('button', { name: activate.read, exact: true }).waitFor();
      expect(await page.getByLabel(activate.nationalId).inputValue()).toBe('');
      expect(sent).toHaveLength(before);
      await page.context().close();
      activated(card);
    },
    MINUTE,
  );
}
