import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import type { CardRow, EventData, EventOf } from '#libs/events';
import { Bench, issued } from '../suspension.fixture.js';

const DAY_MS = 86_400_000;
/** 10:00 in Taipei. */
const ISSUED = new Date('2026-03-02T02:00:00Z');
/** 90 days later, the end of the day. */
const DUE = new Date('2026-05-31T15:59:59Z');
const day = (n: number) => new Date(ISSUED.getTime() + n * DAY_MS);
const afterDue = (ms: number) => new Date(DUE.getTime() + ms);

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'suspension.jwk'));
});
afterAll(() => rmSync(dir, { recursive: true }));
/** Cards of other tests are out of the way: accepted, as far as the deadline can see. */
beforeEach(async () => {
  await bench.source.query('update card set accept_by = null');
  await bench.moveTo(ISSUED);
});

const newCard = (change: Partial<EventData<'certificate.issued'>> = {}) =>
  bench.card(issued({ notBefore: ISSUED.toISOString().replace('.000', ''), ...change }));
const extend = (cardNumber: string, until: string) =>
  bench.officers.extend({ cardNumber, by: 'anna' }, { until, ground: 'on a journey' });
const rowsOf = async (cardNumber: string) =>
  (await bench.rows()).filter((row): row is CardRow => row.kind !== 'cut' && row.cardNumber === cardNumber);
const kindsOf = async (cardNumber: string) => (await rowsOf(cardNumber)).map((row) => `${row.kind} ${row.holder}`);
const remindersOf = async (cardNumber: string) => {
  const sent = (await bench.source.query('select value from outbox where key = $1 order by id', [cardNumber])) as {
    value: string;
  }[];
  return sent
    .map(({ value }) => JSON.parse(value) as EventOf<'card.acceptance-due'>)
    .filter(({ type }) => type === 'card.acceptance-due')
    .map(({ data }) => data);
};

describe('the acceptance deadline', () => {
  it('puts a card on hold after the last second of the 90th day, once, with a receipt and an act', async () => {
    const card = await newCard();
    await bench.moveTo(afterDue(-60_000));
    await bench.look();
    expect(await kindsOf(card)).toEqual([]);
    await bench.moveTo(afterDue(1_000));
    await Promise.all(Array.from({ length: 10 }, () => bench.look()));
    await bench.look();
    expect(await kindsOf(card)).toEqual(['suspended deadline']);
    expect((await rowsOf(card))[0]!.listed).toMatchObject({ reason: 'certificateHold' });
    expect(await bench.count(`receipt where card_number = '${card}' and holder = 'deadline'`)).toBe(1);
    const acts = await bench.source.query('select by, ground from officer_act where card_number = $1', [card]);
    expect(acts).toEqual([{ by: 'system:acceptance-deadline', ground: 'not accepted by 2026-05-31T15:59:59Z' }]);
    await expect(bench.accept(card)).rejects.toMatchObject({
      code: 'cardHeld',
      params: { standingHolds: ['deadline'], sentence: { en: expect.stringContaining('extend') } },
    });
  });

  it('revokes as privilegeWithdrawn, or does nothing, by setting', async () => {
    const card = await newCard();
    await bench.moveTo(afterDue(1_000));
    await bench.look('none');
    expect(await kindsOf(card)).toEqual([]);
    await bench.look('revoke');
    await bench.look('revoke');
    expect((await rowsOf(card)).map((row) => row.listed?.reason)).toEqual(['privilegeWithdrawn']);
    const receipt = await bench.revocations.request(
      { cardNumber: card, by: 'anna' },
      { reason: 'superseded', ground: 'x' },
    );
    expect(receipt).toMatchObject({ command: 'revoke', reason: 'privilegeWithdrawn', status: 'revoked' });
  });

  it('leaves accepted, revoked and expired cards alone, and adds to the holds of others', async () => {
    const [accepted, revoked, held] = [await newCard(), await newCard(), await newCard()];
    const expired = await newCard({ notAfter: '2026-05-30T15:59:59Z' });
    await bench.accept(accepted);
    await bench.revoke(revoked);
    await bench.officers.order('hold', { cardNumber: held, by: 'anna' }, { holder: 'court', ground: 'x' });
    await bench.moveTo(afterDue(1_000));
    await bench.look();
    expect(await kindsOf(accepted)).toEqual(['accepted null']);
    expect(await kindsOf(revoked)).toEqual(['revoked null']);
    expect(await kindsOf(expired)).toEqual([]);
    expect(await kindsOf(held)).toEqual(['suspended court', 'suspended deadline']);
  });

  it('meets an acceptance at the same moment: one of the two, never a held card that is accepted', async () => {
    for (let round = 0; round < 10; round++) {
      await bench.moveTo(ISSUED);
      const card = await newCard();
      await bench.moveTo(afterDue(1_000));
      await Promise.all([bench.look(), bench.accept(card).catch(() => {}), bench.look()]);
      expect([['accepted null'], ['suspended deadline']]).toContainEqual(await kindsOf(card));
    }
  });

  it('goes through more cards than one batch, past one that fails, which is tried again', async () => {
    const cards: string[] = [];
    for (let n = 0; n < 420; n++) cards.push(issued({ notBefore: '2026-03-02T02:00:00Z' }).cardNumber);
    await bench.transaction(async (tx) => {
      for (const cardNumber of cards) {
        await bench.suspension.track(tx, issued({ cardNumber, notBefore: '2026-03-02T02:00:00Z' }));
      }
    });
    await bench.moveTo(afterDue(1_000));
    const blocked = cards[100]!;
    const { carryOut } = bench.changes;
    bench.changes.carryOut = function (tx, card, ...rest) {
      if (card.identity.cardNumber === blocked) return Promise.reject(new Error('this one fails'));
      return carryOut.call(this, tx, card, ...rest);
    };
    await bench.look();
    bench.changes.carryOut = carryOut;
    const held = `card where holds ? 'deadline' and card_number = any('{${cards.join()}}')`;
    expect(await bench.count(held)).toBe(419);
    expect(await kindsOf(blocked)).toEqual([]);
    await bench.look();
    expect(await bench.count(held)).toBe(420);
    expect(await kindsOf(blocked)).toEqual(['suspended deadline']);
  });
});

describe('a reminder', () => {
  it('goes out 30 and 7 days before, once each, however often one looks', async () => {
    const card = await newCard();
    const expected: object[] = [];
    for (const [n, daysLeft] of [
      [59, 0],
      [61, 30],
      [70, 0],
      [84, 7],
      [89, 0],
    ] as const) {
      await bench.moveTo(day(n));
      await Promise.all(Array.from({ length: 5 }, () => bench.look()));
      if (daysLeft) expected.push({ cardNumber: card, dueAt: '2026-05-31T15:59:59Z', daysLeft });
      expect(await remindersOf(card)).toEqual(expected);
    }
  });

  it('that was missed is not made up for by an older one', async () => {
    const card = await newCard();
    await bench.moveTo(day(88));
    await bench.look();
    await bench.look();
    expect((await remindersOf(card)).map(({ daysLeft }) => daysLeft)).toEqual([3]);
  });

  it('is not for cards that are accepted, held or without an effect to come, nor early when the time is short', async () => {
    const [accepted, held, none, short] = [await newCard(), await newCard(), await newCard(), await newCard()];
    await bench.accept(accepted);
    await bench.officers.order('hold', { cardNumber: held, by: 'anna' }, { holder: 'ca', ground: 'lost in the post' });
    await bench.moveTo(day(62));
    await bench.look('none');
    expect(await remindersOf(none)).toEqual([]);
    await bench.look('hold', 20);
    expect(await remindersOf(short)).toEqual([]);
    await bench.look();
    expect(await remindersOf(accepted)).toEqual([]);
    expect(await remindersOf(held)).toEqual([]);
    expect(await remindersOf(short)).toHaveLength(1);
  });
});

describe('an extension', () => {
  it('lifts the hold of the deadline and no other; then the card is accepted, or meets the new deadline', async () => {
    const [card, other] = [await newCard(), await newCard()];
    await bench.moveTo(afterDue(DAY_MS));
    await bench.look();
    await bench.officers.order('hold', { cardNumber: other, by: 'anna' }, { holder: 'court', ground: 'x' });
    const extended = await extend(card, '2026-06-30');
    expect(extended).toMatchObject({
      cardNumber: card,
      acceptBy: '2026-06-30T15:59:59Z',
      status: 'pending',
      receipt: { command: 'release', holder: 'deadline', status: 'pending' },
    });
    expect(await extend(card, '2026-06-30')).toEqual(extended);
    expect(await extend(other, '2026-06-30')).toMatchObject({ status: 'suspended' });
    expect(await kindsOf(other)).toEqual(['suspended deadline', 'suspended court', 'resumed deadline']);
    await bench.look();
    expect(await kindsOf(card)).toEqual(['suspended deadline', 'resumed deadline']);
    const again = await extend(other, '2026-07-31');
    await bench.moveTo(new Date('2026-06-30T16:00:00Z'));
    await bench.look();
    expect(await kindsOf(card)).toEqual(['suspended deadline', 'resumed deadline', 'suspended deadline']);
    expect(again.receipt).not.toBeNull();
    await extend(card, '2026-07-31');
    await bench.accept(card);
    expect((await kindsOf(card)).at(-1)).toBe('accepted null');
  });

  it('before the deadline has no row and no receipt, is remembered once, and is reminded of anew', async () => {
    const card = await newCard();
    await bench.moveTo(day(85));
    await bench.look();
    const answers = await Promise.all(Array.from({ length: 50 }, () => extend(card, '2026-07-01')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ acceptBy: '2026-07-01T15:59:59Z', status: 'pending', receipt: null });
    expect(await kindsOf(card)).toEqual([]);
    expect(await bench.count(`officer_act where card_number = '${card}'`)).toBe(1);
    await bench.moveTo(day(110));
    await bench.look();
    expect((await remindersOf(card)).map(({ daysLeft }) => daysLeft)).toEqual([6, 12]);
  });

  it('is refused when it is over, earlier than before, later than the certificates, or of no use', async () => {
    const [card, accepted] = [await newCard({ notAfter: '2026-12-31T15:59:59Z' }), await newCard()];
    await bench.accept(accepted);
    const at = { params: { errors: [{ at: '/until' }] } };
    for (const until of ['2026-03-01', '2026-05-30', '2027-01-01', '0001-01-01', '9999-12-31']) {
      await expect(extend(card, until)).rejects.toMatchObject({ code: 'invalidRequest', ...at });
    }
    expect(await extend(card, '2026-12-31')).toMatchObject({ acceptBy: '2026-12-31T15:59:59Z' });
    await expect(extend(accepted, '2026-07-01')).rejects.toMatchObject({ code: 'cardAccepted' });
    await expect(extend('TT99999999999991', '2026-07-01')).rejects.toMatchObject({ code: 'unknownCard' });
    expect(await kindsOf(accepted)).toEqual(['accepted null']);
  });
});
