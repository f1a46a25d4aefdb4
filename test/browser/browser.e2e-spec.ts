import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EMBEDDED } from '../demo/instance.js';
import { runningInstance } from '../e2e/running-instance.js';
import { activationFlows } from './activation-flows.js';
import { applyFlow } from './apply-flow.js';
import { TestBrowser } from './browser.js';
import { cardFlows } from './card-flows.js';
import { Centre } from './centre.js';
import { consoleFlows } from './console-flows.js';
import { CardsInTheLetter, type IssuedCard } from './issued-cards.js';
import { lostOnTheWay } from './lost-on-the-way.js';
import { Mailbox } from './mailbox.js';
import { otherFlows } from './other-flows.js';
import { pageSweep } from './page-sweep.js';
import { problemFlows } from './problem-flows.js';

const mailbox = await Mailbox.open();
afterAll(() => mailbox.close());

/** What people do on the pages, in a real browser, on one instance with the virtual card behind the real agent. */
describe('in a browser', () => {
  const instance = runningInstance({ ...EMBEDDED, env: mailbox.env });
  const browser = new TestBrowser(() => instance.address.url);
  beforeAll(() => browser.open(), 60_000);
  afterAll(() => browser.close());
  const cards = new CardsInTheLetter(instance);
  const centre = new Centre(instance);

  let activated: IssuedCard;
  describe('every page', () => pageSweep(browser));
  describe('憑證申請', () => applyFlow(browser, centre, mailbox));
  describe('啟用憑證', () => activationFlows(browser, cards));
  describe('啟用憑證, when something is wrong', () => problemFlows(browser, cards, centre));
  describe('啟用憑證, when something gets lost', () =>
    lostOnTheWay(browser, cards, (card) => {
      activated = card;
    }));
  describe('憑證停復用、用戶代碼、PIN 碼', () => cardFlows(browser, cards, () => activated, { centre, mailbox }));
  describe('the rest', () => otherFlows(browser, cards, () => activated));
  describe('管理中心作業台', () => consoleFlows(browser, cards, instance));

  it('has had nothing to complain of: no breach of the policy, no failing script', () => {
    expect(browser.complaints).toEqual([]);
  });
});
