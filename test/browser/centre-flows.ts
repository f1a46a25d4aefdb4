import { expect, it } from '@jest/globals';
import { TOPICS } from '#libs/events';
import agentEn from '../../services/portal/web/src/i18n/texts/agent.en.js';
import { type Answer, ask, askUntil } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { itemsOf } from '../demo/world.js';
import { type TestBrowser, violations } from './browser.js';
import type { CardsInTheLetter, IssuedCard } from './issued-cards.js';
import { MachineRoom } from './machine-room.js';
import { Officer } from './officer.js';

const TROUBLE = 'this_card_is_not_to_be_stored';
const STRANGER = 'no-card-of-ours';

/** A locked card at the centre, while issuance cannot digest what it is told of it. */
export function centreFlows(browser: TestBrowser, cards: CardsInTheLetter, instance: Instance): void {
  const room = new MachineRoom(instance);
  const api = (path: string) => `${instance.address.url}/api/v1${path}`;
  const letterOf = (key: string) => (answer: Answer) => itemsOf(answer).some((letter) => letter['key'] === key);

  /** As the portal does for its holder, with the card in the reader (27011). */
  async function reportLock({ cardNumber }: IssuedCard): Promise<void> {
    const { url, agentUrl } = instance.address;
    const { body: report } = await ask('POST', api('/lock-reports'), { json: { cardNumber } });
    const { body: proof } = await ask('POST', `${agentUrl}/v1/proofs`, {
      headers: { origin: url, 'x-kaika-agent': '1' },
      json: { session: report['id'], nonce: report['nonce'], purpose: 'unlock' },
    });
    const { status } = await ask('POST', api(`/lock-reports/${String(report['id'])}/proof`), { json: { proof } });
    expect(status).toBe(200);
  }

  /** As its holder does before sending it in. @returns the case */
  async function announce({ cardNumber }: IssuedCard): Promise<string> {
    const contact = { name: '李測試', phone: '02-0000-0001', address: '臺北市測試路2號' };
    const json = { cardNumber, errorMessage: '27011', contact };
    const { body } = await ask('POST', api('/card-returns'), { json });
    return String(body['caseNumber']);
  }

  it(
    'a locked card is unlocked by two persons at the reader; its poisoned events are replayed, or given up by two',
    async () => {
      const card = await cards.issue('A');
      const { cardNumber } = card;
      await room.sql(
        `alter table issuance.known_lock add constraint ${TROUBLE} check (card_number <> '${cardNumber}')`,
      );
      await room.poison(TOPICS.acceptance, STRANGER, JSON.stringify({ type: 'card.locked' }));
      await room.block(cardNumber);
      await cards.insert(card);
      await reportLock(card);
      const caseNumber = await announce(card);

      const chen = await Officer.signIn(browser, 'chen', { language: 'en' });
      const wu = await Officer.signIn(browser, 'wu');
      const { cards: words, deadLetters, returns } = chen.words;
      await chen.open('returns');
      await chen.unfold(caseNumber);
      await chen.unfold(returns.receipt);
      await chen.form(returns.receipt).getByLabel(returns.printed).fill(cardNumber);
      await chen.send(returns.receipt);
      await chen.page.locator('main .facts').getByText(returns.states.received, { exact: true }).waitFor();

      await chen.openCard(cardNumber);
      await chen.unfold(words.unlock);
      await chen.form(words.unlock).getByLabel(chen.words.ground).fill('Sent in: locked');
      await chen.send(words.unlock, words.unlockButton);
      await chen.page.getByText(words.unlockDone).waitFor();
      await wu.decide(cardNumber);
      await chen.page.locator('.notice').getByRole('button', { name: chen.words.refresh }).click();
      await chen.page.getByText(agentEn.states.locked, { exact: true }).waitFor();
      expect(await violations(chen.page)).toEqual([]);
      await chen.page.route('**/completion', (route) => route.abort(), { times: 1 }); // on its way, it is lost
      await chen.page.getByRole('button', { name: words.unlockNow }).click();
      await chen.page.getByText(words.unlockUntold).waitFor();
      await chen.page.getByRole('button', { name: words.unlockTell }).click();
      await chen.page.getByText(words.unlocked).waitFor();
      const history = chen.page.getByRole('list', { name: words.history });
      for (const said of [
        ...[words.steps.identity, words.evidence['report-lock'], words.evidence['complete-unlock'], 'Sent in: locked'],
        ...['chen: asked for the unlocking', 'wu: approved the unlocking'],
      ]) {
        await history.getByText(said).waitFor();
      }

      await askUntil(letterOf(cardNumber), 'GET', api('/issuance/dead-letters'), {
        token: await instance.token('chen'),
      });
      await chen.open('deadLetters');
      await chen.unfold(cardNumber);
      const letter = chen.page.locator('details[open]');
      await letter.getByText(TROUBLE).waitFor();
      await letter.getByText('cardNumber', { exact: false }).waitFor();
      await chen.send(deadLetters.replay);
      await chen.page.getByText(deadLetters.failedAgain.replace('{{reason}}', '')).waitFor();
      await room.sql(`alter table issuance.known_lock drop constraint ${TROUBLE}`);
      await chen.send(deadLetters.replay);
      await chen.page.getByText(deadLetters.replayed.replace('{{count}}', '2')).waitFor(); // with what waited behind it
      await chen.page.locator('summary').filter({ hasText: cardNumber }).waitFor({ state: 'detached' });

      await chen.open('returns');
      await chen.unfold(caseNumber);
      await chen.page.getByText(returns.how.proof).waitFor();

      await chen.open('deadLetters');
      await chen.unfold(STRANGER);
      await chen.unfold(deadLetters.discard);
      await chen.form(deadLetters.discard).getByLabel(chen.words.ground).fill('Not an event of ours');
      expect(await violations(chen.page)).toEqual([]);
      await chen.send(deadLetters.discard, deadLetters.discardButton);
      await chen.page.getByText(chen.words.askedSecond).waitFor();
      await wu.decide(STRANGER);
      await chen.page.getByLabel(chen.words.stateShown).selectOption('discarded');
      await chen.page.locator('summary').filter({ hasText: STRANGER }).waitFor();
      await chen.close();
      await wu.close();
    },
    2 * 60_000,
  );
}
