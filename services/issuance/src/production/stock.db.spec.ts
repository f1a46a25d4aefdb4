import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { scrape } from '#libs/metrics';
import { PivCard } from '#libs/piv';
import { IssuanceBench, USER_CODE } from '../issuance.fixture.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();
let sample: string;

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  sample = await bench.assignedCard();
}, 60_000);

const post = (path: string, body: unknown = {}, role: 'ca-operator' | 'ca-officer' = 'ca-operator') =>
  bench.call('POST', `/api/v1${path}`, { body, role });
const MINUTE_MS = 60_000;
let batches = 0;
const deliver = (content: object, batch = `S-2026/${++batches}`) =>
  post('/card-batches', { batch, family: 'virtual', ...content });
const take = async (station: string) =>
  (await post(`/stations/${station}/card`)).body['card'] as { cardNumber: string; position: number } | null;
const queue = async () =>
  (await bench.operate('/station-queue')).body['items'] as { cardNumber: string; takenBy: string | null; position: number }[]; // prettier-ignore

describe('a delivery', () => {
  it('comes into stock as a range or as a list, under its number, with its counts', async () => {
    const range = { first: 'BA00000000000098', last: 'BA00000000000103' };
    const first = await deliver({ range });
    expect(first).toMatchObject({
      status: 201,
      body: { family: 'virtual', cards: 6, receivedBy: 'wang', states: { blank: 6, assigned: 0 } },
    });
    expect(await bench.cards.list()).toEqual(expect.arrayContaining(['BA00000000000099', 'BA00000000000103']));
    const second = await deliver({ family: 'yubikey', cardNumbers: ['bb 00000000000001', 'BB00000000000002'] });
    expect(second.body).toMatchObject({ cards: 2, family: 'yubikey' });
    const { items } = (await bench.operate('/card-batches')).body as { items: { batch: string }[] };
    expect(items.map(({ batch }) => batch)).toEqual([second.body['batch'], first.body['batch']]);
  });

  it('is taken whole or not at all', async () => {
    const count = async () => ((await bench.operate('/card-stock')).body as { blank: number }).blank;
    const before = await count();
    const range = { first: 'BA00000000000001', last: 'BA00000000000100' };
    expect(await deliver({ range })).toMatchObject({ status: 409, body: { known: ['BA00000000000098', 'BA00000000000099', 'BA00000000000100'] } }); // prettier-ignore
    expect(await count()).toBe(before);
    const [known] = (await bench.operate('/card-batches')).body['items'] as [{ batch: string }];
    expect((await deliver({ cardNumbers: ['BC00000000000001'] }, known.batch)).status).toBe(409);
    expect(await count()).toBe(before);
  });

  it('told many times at once comes in once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => deliver({ cardNumbers: ['BD00000000000001'] }, 'once')),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  it('of plain PIV cards is refused by name: they keep the management key they come with', async () => {
    const cardNumbers = ['BE00000000000001'];
    expect(await deliver({ family: 'piv', cardNumbers })).toMatchObject({ status: 409, body: { type: 'urn:kaika:error:managementKeyFixed' } }); // prettier-ignore
  });

  it.each([
    ['neither a list nor a range', {}],
    ['both', { cardNumbers: ['BF00000000000001'], range: { first: 'BF00000000000002', last: 'BF00000000000003' } }],
    ['a range backwards', { range: { first: 'BF00000000000002', last: 'BF00000000000001' } }],
    ['a range over two letters', { range: { first: 'BF00000000000001', last: 'BG00000000000002' } }],
    ['too many', { range: { first: 'BF00000000000001', last: 'BF00000000001001' } }],
    ['a number twice', { cardNumbers: ['BF00000000000001', 'BF00000000000001'] }],
    ['an unknown family', { family: 'hicos', cardNumbers: ['BF00000000000001'] }],
    ['a batch without a number', { batch: '', cardNumbers: ['BF00000000000001'] }],
  ])('refuses %s', async (_what, content) => {
    expect((await deliver(content)).status).toBe(400);
  });
});

describe('the queue of the stations', () => {
  it('gives cards in the order they were assigned, one a station, the same one when asked again', async () => {
    await bench.source.query(`update card set assigned_at = '2026-01-01' where card_number = $1`, [sample]);
    const second = await bench.quickCard(sample);
    const third = await bench.quickCard(sample);
    expect((await queue()).map(({ cardNumber }) => cardNumber)).toEqual([sample, second, third]);
    const one = await take('virtual');
    expect(one).toMatchObject({ cardNumber: sample, position: 1, takenBy: 'virtual', name: '開卡示範股份有限公司' });
    expect(await take('virtual')).toMatchObject({ cardNumber: sample });
    expect(await take('virtual-2')).toMatchObject({ cardNumber: second, position: 2 });
    expect((await queue()).map(({ takenBy }) => takenBy)).toEqual(['virtual', 'virtual-2', null]);
    await post('/stations/virtual/card/return');
    await post('/stations/virtual-2/card/return');
    expect((await queue()).map(({ takenBy }) => takenBy)).toEqual([null, null, null]);
  });

  it('takes a card back by itself when its station is silent', async () => {
    bench.clock.set(-31 * MINUTE_MS);
    expect(await take('virtual')).toMatchObject({ cardNumber: sample });
    bench.clock.set(-2 * MINUTE_MS);
    expect((await take('virtual-2'))?.cardNumber).not.toBe(sample);
    await post('/stations/virtual-2/card/return');
    bench.clock.set(0);
    expect(await take('virtual-2')).toMatchObject({ cardNumber: sample });
    expect((await take('virtual'))?.cardNumber).not.toBe(sample);
    for (const station of ['virtual', 'virtual-2']) await post(`/stations/${station}/card/return`);
  });

  it('never gives one card to two stations, nor two to one, however they ask', async () => {
    const asked = Array.from({ length: 20 }, (_, i) => (i % 2 ? 'virtual' : 'virtual-2'));
    const taken = await Promise.all(
      asked.map(async (station) => [station, (await take(station))!.cardNumber] as const),
    );
    const pairs = new Set(taken.map((pair) => pair.join(' ')));
    expect(pairs.size).toBe(2);
    expect(new Set(taken.map(([, cardNumber]) => cardNumber)).size).toBe(2);
    for (const station of ['virtual', 'virtual-2']) await post(`/stations/${station}/card/return`);
  });

  it('lets each of two stations make its own card at once, and neither the other’s', async () => {
    const [one, two] = [(await take('virtual'))!.cardNumber, (await take('virtual-2'))!.cardNumber];
    const make = (cardNumber: string, station: string) => post(`/cards/${cardNumber}/personalisation`, { station });
    expect(await make(two, 'virtual')).toMatchObject({ status: 409, body: { takenBy: 'virtual-2' } });
    expect((await post(`/cards/${one}/personalisation`)).status).toBe(409);
    const made = await Promise.all([make(one, 'virtual'), make(two, 'virtual-2')]);
    expect(made.map(({ status, body }) => [status, body['cardNumber']])).toEqual([[200, one], [200, two]]); // prettier-ignore
    for (const cardNumber of [one, two]) {
      const [event] = await bench.events('certificate.issued', cardNumber);
      const { body } = await bench.operate(`/cards/${cardNumber}`);
      expect(event!.data).toMatchObject({ cardNumber, cardUuid: body['cardUuid'], serials: body['serials'] });
    }
    expect((await queue()).map(({ cardNumber }) => cardNumber)).not.toContain(one);
  }, 60_000);

  it('knows its stations, and says when nothing waits', async () => {
    expect((await post('/stations/desk-9/card')).status).toBe(404);
    await bench.source.query(`update card set state = 'issued', issued_at = now() where state = 'assigned'`);
    expect(await take('virtual')).toBeNull();
    await bench.source.query(`update card set state = 'assigned', issued_at = null where state = 'issued' and started_at is null`); // prettier-ignore
  });
});

describe('a card that fails before it is issued', () => {
  it('is out of stock, and its application gets another one in its place of the queue', async () => {
    const other = await bench.quickCard(sample);
    await bench.source.query(`update card set assigned_at = '2026-01-02' where card_number = $1`, [other]);
    await bench.stock(1);
    const stock = (await bench.source.query(`select card_number from card where state = 'blank' order by card_number limit 1`)) as [{ card_number: string }]; // prettier-ignore
    const answer = await post(`/cards/${other}/defect`, { ground: '晶片無回應' });
    expect(answer).toMatchObject({
      status: 200,
      body: { cardNumber: other, state: 'defective', defect: '晶片無回應', newCardNumber: stock[0].card_number },
    });
    expect((await post(`/cards/${other}/defect`, { ground: 'again' })).body).toEqual(answer.body);
    expect((await queue())[0]).toMatchObject({ cardNumber: stock[0].card_number, position: 1 });
    expect((await post(`/cards/${other}/personalisation`)).status).toBe(409);
    const { body } = answer;
    const approved = await bench.events('application.approved', body['caseNumber'] as string);
    expect(approved.at(-1)!.data.cardNumber).toBe(stock[0].card_number);
  });

  it('gives up what was meant for it, also when it was signed', async () => {
    const cardNumber = await bench.quickCard(sample);
    await bench.source.query(`insert into serial (serial) values ('2${'0'.repeat(31)}')`);
    await bench.source.query(
      `insert into certificate (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, der, intended_at)
       values ('2${'0'.repeat(31)}', $1, '9C', 'AA', 'signed', '', now(), now(), '', '', now())`,
      [cardNumber],
    );
    await post(`/cards/${cardNumber}/defect`, { ground: 'x' });
    const rows = await bench.source.query('select state from certificate where card_number = $1', [cardNumber]);
    expect(rows).toEqual([{ state: 'abandoned' }]);
  });

  it('leaves its application waiting where the stock is empty', async () => {
    const cardNumber = await bench.quickCard(sample);
    await bench.source.query(
      `update card set state = 'defective', defect = 'x', defective_at = now(), defective_by = 'x' where state = 'blank'`,
    );
    const { body } = await post(`/cards/${cardNumber}/defect`, { ground: 'x' });
    expect(body).toMatchObject({ newCardNumber: null });
    const state = async () => ((await bench.source.query('select state from application where case_number = $1', [body['caseNumber']])) as [{ state: string }])[0].state; // prettier-ignore
    expect(await state()).toBe('waiting-for-stock');
    const [fresh] = await bench.stock(1);
    expect(await state()).toBe('approved');
    expect((await post(`/cards/${cardNumber}/defect`, { ground: 'x' })).body).toMatchObject({ newCardNumber: fresh });
  });

  it('issued already, or unknown, is no matter of the stock', async () => {
    const { cardNumber } = (await bench.source.query(`select card_number as "cardNumber" from card where state = 'issued' limit 1`) as [{ cardNumber: string }])[0]; // prettier-ignore
    expect((await post(`/cards/${cardNumber}/defect`, { ground: 'x' })).status).toBe(409);
    expect((await post('/cards/ZZ00000000000000/defect', { ground: 'x' })).status).toBe(404);
  });
});

describe('a registered-mail number that was noted wrongly', () => {
  it('is corrected by an officer with a ground, and the applicant sees the right one', async () => {
    await deliver({ cardNumbers: [bench.newCardNumber()] });
    const { body: applied } = await bench.apply();
    const cardNumber = (await bench.approve(applied['caseNumber'])).body['cardNumber'] as string;
    const correct = (registeredMail: string, role?: 'ca-officer') =>
      post(`/cards/${cardNumber}/dispatch-correction`, { registeredMail, ground: '抄寫錯誤' }, role);
    expect((await correct('22222222222222', 'ca-officer')).status).toBe(409);
    await post(`/cards/${cardNumber}/personalisation`);
    const first = await post(`/cards/${cardNumber}/dispatch`, { registeredMail: '11111111111111' });
    expect((await correct('22222222222222')).status).toBe(403);
    const corrected = await correct('22222222222222', 'ca-officer');
    expect(corrected.body).toEqual({ ...first.body, registeredMail: '22222222222222' });
    expect((await correct('22222222222222', 'ca-officer')).body).toEqual(corrected.body);
    const rows = await bench.source.query('select was, becomes, ground, corrected_by from dispatch_correction');
    expect(rows).toEqual([
      { was: '11111111111111', becomes: '22222222222222', ground: '抄寫錯誤', corrected_by: 'wang' },
    ]);
    expect(await bench.events('card.dispatched', cardNumber)).toHaveLength(1);
    const progress = await bench.call('GET', `/api/v1/applications/${String(applied['caseNumber'])}`, { headers: { 'x-user-code': USER_CODE } }); // prettier-ignore
    expect(progress.body).toMatchObject({ card: { state: 'dispatched', registeredMail: '22222222222222' } });
  });
});

describe('a card of another family than its delivery’s', () => {
  it('is refused by name at the station, and nothing is written to it', async () => {
    const { body: delivery } = await deliver({ family: 'yubikey', cardNumbers: ['BH00000000000001'] });
    const cardNumber = await bench.quickCard(sample);
    await bench.source.query('update card set batch = $2 where card_number = $1', [cardNumber, delivery['batch']]);
    expect(await post(`/cards/${cardNumber}/personalisation`)).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:otherCardFamily', expected: 'yubikey', found: 'virtual' },
    });
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    expect((await piv.metadata('management'))?.isDefault).toBe(true);
    expect(await piv.chuid()).toBeUndefined();
    await connection.close();
  });
});

it('figures say what waits for a station', async () => {
  const [row] = await bench.source.query<[{ count: string }]>(`select count(*) from card where state = 'assigned'`);
  const { text } = await scrape();
  expect(text).toMatch(new RegExp(`^kaika_station_queue_cards ${row.count}$`, 'm'));
  expect(Number(row.count)).toBeGreaterThan(0);
  expect(text).toMatch(/^kaika_station_queue_oldest_seconds \d/m);
});
