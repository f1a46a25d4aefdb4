import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { scrape } from '#libs/metrics';
import { IssuanceBench } from '../issuance.fixture.js';
import { defectiveCards, inTheCourseOfTime } from './defective-cards.fixture.js';
import { LETTER, ReturnsBench, type Slip } from './returns.fixture.js';

let bench: IssuanceBench;
let returns: ReturnsBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  returns = await ReturnsBench.on(bench);
}, 60_000);

describe('a slip', () => {
  it('has a case number with a check digit, a code, and the words that go with the card', async () => {
    const { caseNumber, slipCode, slip } = await returns.announce('TT00000000000999');
    expect(caseNumber).toMatch(/^R1\d\d\d{10}$/);
    const text = slip['zh-TW'].lines.join('\n');
    for (const part of [slipCode, LETTER.errorMessage, ...Object.values(LETTER.contact)]) expect(text).toContain(part);
    expect(JSON.stringify(slip)).not.toMatch(/undefined|null/);
  });

  it('is made for any card number, and tells nothing of it', async () => {
    const [known, unknown] = [
      await returns.announce(await returns.issuedCard()),
      await returns.announce('ZZ00000000000000'),
    ];
    const blank = ({ caseNumber, slipCode }: Slip) => (text: string) =>
      text.replaceAll(caseNumber, '').replaceAll(slipCode, '').replace(/R1\d\d-\d{5}-\d{5}/g, '').replace(/[A-Z]{2}\d{14}/g, ''); // prettier-ignore
    expect(blank(known)(JSON.stringify(known))).toEqual(blank(unknown)(JSON.stringify(unknown)));
  });

  it('opens the progress of its case by its code alone, with the same answer for a wrong one and for no case', async () => {
    const { caseNumber, slipCode } = await returns.announce(await returns.issuedCard());
    expect(await returns.progress(caseNumber, slipCode.toLowerCase().replace('-', ''))).toMatchObject({
      status: 200,
      body: { caseNumber, state: 'announced', outcome: null, registeredMail: null },
    });
    const wrong = await returns.progress(caseNumber, '00000-00000');
    const none = await returns.progress('R1150000000018', slipCode);
    for (const { status, body } of [wrong, none]) {
      expect({ status, legacyCode: body['legacyCode'], detail: body['detail'] }).toEqual({ status: 403, legacyCode: '3005', detail: wrong.body['detail'] }); // prettier-ignore
    }
    expect((await bench.call('GET', `/api/v1/card-returns/${caseNumber}/progress`)).status).toBe(400);
  });

  it('is never locked, however often a stranger guesses: its code opens it after the longest delay', async () => {
    const { caseNumber, slipCode } = await returns.announce(await returns.issuedCard());
    bench.clock.set(-12 * 900_000);
    for (let guess = 1; guess <= 12; guess += 1) {
      expect((await returns.progress(caseNumber, '00000-00000')).status).toBe(403);
      await bench.source.query(`delete from attempt where counter = 'source'`);
      bench.clock.set((guess - 12) * 900_000);
    }
    expect((await returns.progress(caseNumber, slipCode)).status).toBe(200);
  });

  it('keeps its letter sealed, and out of the log', async () => {
    const { caseNumber, slipCode } = await returns.announce('TT00000000000998');
    const stored = await bench.everythingStored();
    for (const secret of [slipCode, ...Object.values(LETTER.contact), LETTER.errorMessage]) {
      expect(stored).not.toContain(secret);
      expect(bench.log).not.toContain(secret);
    }
    expect(await returns.file(caseNumber)).toMatchObject({ letter: LETTER });
  });
});

describe('a card that came in', () => {
  it('is taken in under the number printed on it, once, and its holder is told', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber } = await returns.announce('TT00000000000997');
    const first = await returns.post(`/card-returns/${caseNumber}/receipt`, { cardNumber });
    expect(first).toMatchObject({ status: 200, body: { state: 'received', cardNumber } });
    expect((await returns.post(`/card-returns/${caseNumber}/receipt`, { cardNumber })).body).toEqual(first.body);
    const second = await returns.announce(cardNumber);
    expect(await returns.post(`/card-returns/${second.caseNumber}/receipt`, { cardNumber })).toMatchObject({
      status: 409,
      body: { caseNumber },
    });
    const notices = await bench.operate(`/notices?cardNumber=${cardNumber}`);
    expect((notices.body['items'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(['card-return-received']);
  });

  it('is refused by name when no such card was issued', async () => {
    const { caseNumber } = await returns.announce('TT00000000000996');
    const blank = await bench.quickCard(returns.sample);
    for (const cardNumber of ['TT00000000000996', blank]) {
      expect(await returns.post(`/card-returns/${caseNumber}/receipt`, { cardNumber })).toMatchObject({ status: 404 });
    }
  });

  it('taken in under one number by many at once is taken in once', async () => {
    const cardNumber = await returns.issuedCard();
    const slips = await Promise.all(Array.from({ length: 5 }, () => returns.announce(cardNumber)));
    const answers = await Promise.all(
      slips.map(({ caseNumber }) => returns.post(`/card-returns/${caseNumber}/receipt`, { cardNumber })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  });

  it('is identified by its 9E proof when acceptance unlocked it, or by the number of a dead one', async () => {
    const locked = await returns.issuedCard();
    await bench.receive('card.locked', { cardNumber: locked, at: '2026-11-20T00:00:00Z' });
    const { caseNumber } = await returns.arrived(locked);
    await returns.unlock(locked);
    expect(await returns.file(caseNumber)).toMatchObject({
      ...{ state: 'identified', identifiedHow: 'proof', identifiedBy: null, lockedAt: '2026-11-20T00:00:00.000Z' },
      unlockedAt: expect.any(String),
    });
    const dead = await returns.issuedCard();
    const { caseNumber: other } = await returns.arrived(dead);
    const wrong = await returns.post(`/card-returns/${other}/identification`, { cardNumber: locked });
    expect(wrong.status).toBe(409);
    expect(await returns.post(`/card-returns/${other}/identification`, { cardNumber: dead })).toMatchObject({
      body: { state: 'identified', identifiedHow: 'number', identifiedBy: 'wang' },
    });
  });
});

describe('what becomes of it', () => {
  it('is decided by two officers, never by one, nor by an operator', async () => {
    const { caseNumber } = await returns.identified(await returns.issuedCard());
    expect(
      (await returns.post(`/card-returns/${caseNumber}/outcome`, { outcome: 'found-sound', ground: 'x' })).status,
    ).toBe(403);
    const { status, body } = await returns.ask(caseNumber, 'found-sound');
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { state: 'open', outcome: 'found-sound', caseNumber },
    });
    expect(await returns.approve(body['id'], 'anna')).toMatchObject({ status: 403 });
    const approved = await Promise.all(['ben', 'cleo', 'dan'].map((by) => returns.approve(body['id'], by)));
    expect(new Set(approved.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(approved[0]).toMatchObject({ status: 200, body: { case: { state: 'decided', outcome: 'found-sound', askedBy: 'anna' } } }); // prettier-ignore
  });

  it('found sound, it goes back with a registered-mail number, and the slip shows it', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber, slipCode } = await returns.identified(cardNumber);
    expect((await returns.sendBack(caseNumber)).status).toBe(409);
    await returns.decided(caseNumber, 'found-sound');
    expect((await returns.file(caseNumber))['reply']).toMatchObject({ 'zh-TW': { title: '憑證 IC 卡檢測結果通知' } });
    const sent = await returns.sendBack(caseNumber, ' 98-7654 32109876 ');
    expect(sent).toMatchObject({ status: 200, body: { state: 'sent-back', registeredMail: '98765432109876' } });
    expect((await returns.sendBack(caseNumber)).body).toEqual(sent.body);
    expect((await returns.sendBack(caseNumber, '11111111111111')).status).toBe(409);
    expect((await returns.progress(caseNumber, slipCode)).body).toMatchObject({
      ...{ state: 'sent-back', outcome: 'found-sound', registeredMail: '98765432109876' },
    });
    // The same card may be sent in again.
    await returns.arrived(cardNumber);
  });

  it('unlocked, it goes back only after acceptance has told so', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber } = await returns.identified(cardNumber);
    await returns.decided(caseNumber, 'unlocked');
    expect(await returns.sendBack(caseNumber)).toMatchObject({ status: 409, body: { outcome: 'unlocked' } });
    await returns.unlock(cardNumber);
    expect((await returns.sendBack(caseNumber)).status).toBe(200);
    // An unlocking of another day is none of a later case.
    const { caseNumber: later } = await returns.identified(cardNumber);
    await returns.decided(later, 'unlocked');
    expect((await returns.sendBack(later)).status).toBe(409);
  });

  it('unlocked for an earlier case, and told late, counts for none that lies here', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber } = await returns.arrived(cardNumber);
    const receivedAt = new Date((await returns.file(caseNumber))['receivedAt'] as string);
    await returns.unlock(cardNumber, new Date(receivedAt.getTime() - 1));
    expect(await returns.file(caseNumber)).toMatchObject({ state: 'received', identifiedHow: null, unlockedAt: null });
    await returns.unlock(cardNumber, receivedAt);
    expect(await returns.file(caseNumber)).toMatchObject({ state: 'identified', unlockedAt: receivedAt.toISOString() });
  });

  it('that was unlocked here is not found sound: neither asked for, approved nor sent back as such', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber } = await returns.identified(cardNumber);
    const { body } = await returns.ask(caseNumber, 'found-sound');
    await returns.unlock(cardNumber);
    expect((await returns.approve(body['id'])).status).toBe(409);
    expect((await returns.ask(caseNumber, 'found-sound')).status).toBe(409);
    const other = await returns.issuedCard();
    const { caseNumber: sound } = await returns.identified(other);
    await returns.decided(sound, 'found-sound');
    await returns.unlock(other); // at acceptance, after the decision
    expect(await returns.sendBack(sound)).toMatchObject({ status: 409, body: { outcome: 'found-sound' } });
    expect((await returns.decided(sound, 'unlocked')).status).toBe(200);
    expect((await returns.sendBack(sound)).status).toBe(200);
  });

  it('rejected or asked for another outcome, it may still be decided; defective is final', async () => {
    const cardNumber = await returns.issuedCard();
    const { caseNumber } = await returns.identified(cardNumber);
    const { body } = await returns.ask(caseNumber, 'found-sound');
    expect(
      await returns.post(
        `/card-return-requests/${String(body['id'])}/rejection`,
        { ground: 'dead' },
        'ca-officer',
        'ben',
      ),
    ).toMatchObject({ status: 200, body: { state: 'rejected' } });
    await returns.decided(caseNumber, 'unlocked');
    await bench.stock(1);
    expect(await returns.decided(caseNumber, 'defective')).toMatchObject({ status: 200 });
    expect((await returns.ask(caseNumber, 'found-sound')).status).toBe(409);
  });
});

defectiveCards(() => ({ bench, returns }));

it('figures say how many lie here, and how far they are', async () => {
  const waiting = await returns.issuedCard();
  const before = await figures();
  const { caseNumber } = await returns.arrived(waiting);
  expect(await figures()).toEqual({ ...before, received: before.received! + 1 });
  await returns.post(`/card-returns/${caseNumber}/identification`, { cardNumber: waiting });
  expect(await figures()).toEqual({ ...before, identified: before.identified! + 1 });
  await returns.decided(caseNumber, 'found-sound');
  expect(await figures()).toEqual({ ...before, decided: before.decided! + 1 });
  await returns.sendBack(caseNumber);
  expect(await figures()).toEqual(before);
  expect((await scrape()).text).toMatch(/^kaika_card_returns_oldest_seconds \d/m);
});

inTheCourseOfTime(() => ({ bench, returns }), database);

async function figures(): Promise<Record<string, number>> {
  const { text } = await scrape();
  const found = text.matchAll(/^kaika_card_returns_here\{state="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, state, count]) => [state, Number(count)]));
}
