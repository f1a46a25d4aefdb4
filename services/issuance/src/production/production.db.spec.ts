import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CodeHasher, deriveTransportPin, ensureSecretKey, openCredential } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { FACTORY_MANAGEMENT_KEY, PivCard } from '#libs/piv';
import { placeholderKey } from '#libs/pki';
import { CertificateIssuer } from '../certificates/certificate-issuer.js';
import { IssuanceBench, USER_CODE } from '../issuance.fixture.js';
import { holdsKey } from './key-possession.js';
import { ProductionRecords, STEPS } from './production-records.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
}, 60_000);

const personalise = (cardNumber: string) => bench.operate(`/cards/${cardNumber}/personalisation`, {});
const dispatch = (cardNumber: string, registeredMail: unknown) =>
  bench.operate(`/cards/${cardNumber}/dispatch`, { registeredMail });

describe('the stock', () => {
  it('takes blank cards, and the same ones again without harm', async () => {
    const cardNumbers = [bench.newCardNumber(), bench.newCardNumber()];
    const { blank: before } = (await bench.operate('/card-stock')).body as { blank: number };
    const first = await bench.operate('/card-stock', { cardNumbers });
    expect(first).toMatchObject({ status: 201, body: { cardNumbers, added: cardNumbers, blank: before + 2 } });
    const added = await Promise.all([1, 2, 3].map(() => bench.operate('/card-stock', { cardNumbers })));
    for (const { status, body } of added) {
      expect({ status, body }).toEqual({ status: 201, body: { cardNumbers, added: [], blank: before + 2 } });
    }
    expect(await bench.cards.list()).toEqual(expect.arrayContaining(cardNumbers));
  });

  it('never makes a card blank again that has a holder', async () => {
    const cardNumber = await bench.assignedCard();
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    await piv.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    const key = await piv.generateKey('9E', 'p-256');
    await connection.close();
    const fresh = bench.newCardNumber();
    const { body } = await bench.operate('/card-stock', { cardNumbers: [fresh, cardNumber] });
    expect(body['added']).toEqual([fresh]);
    expect((await bench.operate(`/cards/${cardNumber}`)).body['state']).toBe('assigned');
    const again = await bench.cards.open(cardNumber);
    expect(await holdsKey(await PivCard.select(again), '9E', key)).toBe(true);
    await again.close();
  });

  it.each([
    ['no list', undefined],
    ['an empty list', []],
    ['no card number', ['TT1']],
    ['full-width digits', ['TT０００００００００００００1']],
    ['a number twice', ['TT00000000000099', 'tt 00000000000099']],
    ['a test card outside test mode', ['TTAJ000000000321']],
    ['a path', ['../../etc/passwd']],
    ['too many', Array.from({ length: 101 }, (_, i) => `TT1${String(i).padStart(13, '0')}`)],
  ])('refuses %s', async (_what, cardNumbers) => {
    const { status, body } = await bench.operate('/card-stock', { cardNumbers });
    expect(status).toBe(400);
    expect(JSON.stringify(body['errors'])).toContain('/cardNumbers');
  });
});

describe('the making of a card', () => {
  it('ends with a card of ours, two events in one transaction, and nothing more to do', async () => {
    const cardNumber = await bench.assignedCard();
    const { status, body } = await personalise(cardNumber);
    const hex = expect.stringMatching(/^[0-7][0-9A-F]{31}$/);
    expect({ status, body }).toEqual({
      status: 200,
      body: { cardNumber, serials: { signature: hex, encryption: hex }, state: 'issued' },
    });
    expect((await personalise(cardNumber)).body).toEqual(body);
    const view = await bench.operate(`/cards/${cardNumber}`);
    expect(view.body).toMatchObject({ cardNumber, state: 'issued', serials: body['serials'] });
    expect((view.body['steps'] as { step: string; doneAt: string }[]).map((s) => [s.step, typeof s.doneAt])).toEqual(
      [...STEPS].map((step) => [step, 'string']),
    );
    const transactions = (await bench.source.query(
      `select xmin::text as tx, topic from outbox where key = $1 and topic in ('kaika.issuance.v1', 'kaika.credential.v1')`,
      [cardNumber],
    )) as { tx: string; topic: string }[];
    expect(transactions.map(({ topic }) => topic)).toEqual(['kaika.issuance.v1', 'kaika.credential.v1']);
  });

  it('sets the transport PIN that acceptance will derive, and keeps it nowhere', async () => {
    const cardNumber = await bench.assignedCard();
    await personalise(cardNumber);
    const { data } = (await bench.events('certificate.issued', cardNumber))[0]!;
    const master = ensureSecretKey(bench.file('master'));
    const input = { master, keyVersion: 1, generation: 1, cardUuid: data.cardUuid, cardNumber };
    const pin = deriveTransportPin(input);
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    expect(await piv.verifyPin(pin)).toEqual({ ok: true });
    expect((await piv.chuid())?.cardUuid).toBe(data.cardUuid);
    await expect(piv.generateKey('9C', 'rsa-2048')).rejects.toMatchObject({ code: 'cardCommunication' });
    await connection.close();
  });

  it('tells the user code only to the two services that check it', async () => {
    const cardNumber = await bench.assignedCard();
    await personalise(cardNumber);
    const [event] = await bench.events('credential.set', cardNumber);
    expect(event!.data.generation).toBe(1);
    for (const pair of Object.values(bench.recipients)) {
      const { verifier } = await openCredential(pair, event!.data);
      expect(await bench.service.app.get(CodeHasher).verify(verifier, USER_CODE)).toBe(true);
      await expect(openCredential(pair, { ...event!.data, generation: 2 })).rejects.toThrow();
    }
  });

  it('called many times at once makes one card; the others are told that it is being made', async () => {
    const cardNumber = await bench.assignedCard();
    const answers = await Promise.all(Array.from({ length: 6 }, () => personalise(cardNumber)));
    const done = answers.filter(({ status }) => status === 200);
    expect(done.length).toBeGreaterThan(0);
    expect(new Set(done.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    for (const { status, body } of answers) {
      if (status !== 200) expect(body['type']).toBe('urn:kaika:error:readerBusy');
    }
    expect(await bench.events('certificate.issued', cardNumber)).toHaveLength(1);
  });

  it('goes on for as many cards at once as are asked for', async () => {
    const cardNumbers = [];
    for (let i = 0; i < 6; i += 1) cardNumbers.push(await bench.assignedCard());
    const answers = await Promise.all(cardNumbers.map(personalise));
    expect(answers.map(({ status }) => status)).toEqual(cardNumbers.map(() => 200));
    const serials = answers.flatMap(({ body }) => Object.values(body['serials'] as object));
    expect(new Set(serials).size).toBe(12);
  }, 60_000);

  it('refuses cards nobody has applied for and cards there are not', async () => {
    const [blank] = await bench.stock(1);
    expect((await personalise(blank!)).status).toBe(409);
    expect((await personalise('ZZ00000000000000')).status).toBe(404);
    expect((await personalise('ZZ1')).status).toBe(400);
    expect((await bench.operate('/cards/ZZ00000000000000')).status).toBe(404);
    const path = `/cards/${blank!}/personalisation`;
    expect((await bench.operate(path, { pin: '123456' })).status).toBe(400);
  });

  it('for a container that is too small is refused before any serial is drawn', async () => {
    const { app } = bench.service;
    const holder = await app.get(ProductionRecords).begin(await bench.assignedCard());
    const keys = { '9E': placeholderKey('p-256'), '9C': placeholderKey('rsa-2048'), '9D': placeholderKey('rsa-2048') };
    const serials = () => bench.source.query('select count(*) from serial');
    const before = await serials();
    await expect(app.get(CertificateIssuer).intend(holder, keys, 1_000)).rejects.toMatchObject({
      code: 'certificateTooLarge',
      params: { slot: '9C', maxCertBytes: 1_000 },
    });
    expect(await serials()).toEqual(before);
  });
});

describe('a card whose containers are too small for a certificate', () => {
  it('is refused by name before anything is written to it, drawn or signed', async () => {
    const like = await bench.assignedCard();
    const cardNumber = await bench.quickCard(like);
    await bench.source.query(
      `update application
       set kind = 'branch', name = repeat('開', 64), branch = repeat('卡', 64), county = repeat('縣', 128), certificate_email = $2
       where case_number = (select case_number from card where card_number = $1)`,
      [cardNumber, `${'a'.repeat(64)}@${'example.'.repeat(20)}com`],
    );
    rmSync(join(bench.file('cards'), `${cardNumber}.card.json`));
    await bench.cards.create(cardNumber, { family: 'pivapplet' });
    const serials = () => bench.source.query('select count(*) from serial');
    const before = await serials();
    expect(await personalise(cardNumber)).toMatchObject({
      status: 422,
      body: { type: 'urn:kaika:error:certificateTooLarge', slot: '9C', maxCertBytes: 1_856 },
    });
    expect(await serials()).toEqual(before);
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    expect((await piv.metadata('management'))?.isDefault).toBe(true);
    await connection.close();
  });
});

describe('dispatch', () => {
  it('notes the registered-mail number once and tells it in one event', async () => {
    const cardNumber = await bench.assignedCard();
    expect((await dispatch(cardNumber, '12345678901234')).status).toBe(409);
    await personalise(cardNumber);
    const first = await dispatch(cardNumber, ' 12-3456 78901234 ');
    expect(first).toMatchObject({
      status: 200,
      body: { cardNumber, state: 'dispatched', registeredMail: '12345678901234' },
    });
    expect((await dispatch(cardNumber, '12345678901234')).body).toEqual(first.body);
    expect((await dispatch(cardNumber, '99999999999999')).status).toBe(409);
    expect((await personalise(cardNumber)).body).toMatchObject({ state: 'dispatched' });
    const events = await bench.events('card.dispatched', cardNumber);
    expect(events.map(({ data }) => data)).toEqual([{ cardNumber, at: first.body['dispatchedAt'] }]);
  });

  it.each([undefined, '', '12345', 'x'.repeat(21), '１２３４５６７８', 12345678, 'AB/12345'])(
    'refuses %j',
    async (number) => {
      expect((await dispatch('TT00000000000001', number)).status).toBe(400);
    },
  );

  it('knows no card that does not exist', async () => {
    expect((await dispatch('ZZ00000000000000', '12345678901234')).status).toBe(404);
  });
});

it('in test mode takes test cards', async () => {
  const other = await IssuanceBench.start(database, { KAIKA_TEST_CARDS: 'true' });
  try {
    const { status } = await other.operate('/card-stock', { cardNumbers: ['TTAJ000000000321'] });
    expect(status).toBe(201);
  } finally {
    await other.stop();
  }
});

it('names every wrong setting at once', async () => {
  const { issuance } = await import('../index.js');
  const empty = Promise.resolve().then(() => issuance.module({ KAIKA_CARD_MAX_CERT_BYTES: '10' }));
  const message = await empty.then(
    () => '',
    (error: Error) => error.message,
  );
  for (const name of ['DATABASE_URL', 'KAIKA_PEPPER_FILE', 'KAIKA_DATA_KEY_FILE', 'KAIKA_CARD_MAX_CERT_BYTES']) {
    expect(message).toContain(name);
  }
});
