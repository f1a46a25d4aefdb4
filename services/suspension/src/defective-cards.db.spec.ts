import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { type CardRow, newEvent } from '#libs/events';
import { Consumer } from '#libs/messaging';
import { Bench, issued } from './suspension.fixture.js';
import { SuspensionHandlers } from './suspension.handlers.js';

const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
let bench: Bench;
let receive: (cardNumber: string, times?: number) => Promise<void>;

beforeAll(async () => {
  bench = await Bench.open(database, join(dir, 'key'));
  const consumer = new Consumer(bench.source, { maxAttempts: 1 });
  const { on } = new SuspensionHandlers(bench.suspension, bench.userCodes, bench.receipts, bench.defective, consumer);
  receive = async (cardNumber, times = 1) => {
    const data = { cardNumber, caseNumber: 'R1150000000018', at: '2026-11-22T02:00:00Z' };
    const event = newEvent('card.defective', cardNumber, data, { source: 'issuance', now: new Date(data.at) });
    const delivery = { topic: 'kaika.issuance.v1', key: cardNumber, value: JSON.stringify(event), id: event.id };
    for (let i = 0; i < times; i += 1) await consumer.receive(delivery, on);
  };
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true }));

const rowsOf = async (cardNumber: string) =>
  (await bench.rows()).filter((row): row is CardRow => row.kind !== 'cut' && row.cardNumber === cardNumber);
const actsOf = (cardNumber: string) =>
  bench.source.query('select act, by, ground, receipt from officer_act where card_number = $1', [cardNumber]);

describe('a card that was found defective', () => {
  it('is revoked as superseded, with a row for both certificates, a receipt, and the case on record', async () => {
    const card = issued();
    await bench.card(card);
    await bench.accept(card.cardNumber);
    await receive(card.cardNumber, 2);
    const rows = await rowsOf(card.cardNumber);
    expect(rows.map(({ kind, serials, listed }) => [kind, serials, listed?.reason])).toEqual([
      ['accepted', card.serials, undefined],
      ['revoked', card.serials, 'superseded'],
    ]);
    const [act] = (await actsOf(card.cardNumber)) as [{ receipt: string }];
    expect(await actsOf(card.cardNumber)).toEqual([
      { ...{ act: 'revoke', by: 'issuance' }, ground: 'returned card, case R1150000000018: defective', receipt: act.receipt }, // prettier-ignore
    ]);
    expect(await bench.receipts.read(act.receipt)).toMatchObject({ command: 'revoke', reason: 'superseded' });
  });

  it('told again by another event, changes nothing more', async () => {
    const cardNumber = await bench.card();
    await receive(cardNumber);
    await receive(cardNumber);
    expect(await rowsOf(cardNumber)).toHaveLength(1);
    expect(await actsOf(cardNumber)).toHaveLength(1);
  });

  it('stays as it is when it was revoked for another reason, or has expired', async () => {
    const revoked = await bench.card();
    await bench.revoke(revoked);
    await receive(revoked);
    expect((await rowsOf(revoked)).map(({ listed }) => listed?.reason)).toEqual(['keyCompromise']);
    const expired = await bench.card(issued({ notAfter: '2026-01-01T15:59:59Z' }));
    await receive(expired);
    expect(await rowsOf(expired)).toEqual([]);
    expect(await bench.count('dead_letter')).toBe(0);
  });

  it('on hold keeps the hold’s date on the list', async () => {
    const cardNumber = await bench.card();
    await bench.suspend(cardNumber);
    const [hold] = await rowsOf(cardNumber);
    await receive(cardNumber);
    expect((await rowsOf(cardNumber)).at(-1)).toMatchObject({
      kind: 'revoked',
      listed: { reason: 'superseded', since: hold!.listed!.since },
    });
  });

  it('is not lost when nobody knows it yet', async () => {
    await receive('TT99999999999999');
    expect(await bench.source.query('select reason from dead_letter')).toHaveLength(1);
  });
});
