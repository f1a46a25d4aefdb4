import { randomInt, X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock } from '#libs/clock';
import { deriveManagementKey, derivePuk, ensureSecretKey } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { Outbox } from '#libs/messaging';
import { FACTORY_MANAGEMENT_KEY, FACTORY_PIN, PivCard } from '#libs/piv';
import { CardIssue } from '../certificates/card-issue.js';
import { CertificateIssuer } from '../certificates/certificate-issuer.js';
import { CARD_SLOTS } from '../certificates/certificate-plan.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { IssuanceBench } from '../issuance.fixture.js';
import { NoticesService } from '../notices/notices.service.js';
import { breakableCards, breakableSource, Fault } from './faults.fixture.js';
import { holdsKey } from './key-possession.js';
import { type Personalised, PersonalisationService } from './personalisation.service.js';
import { ProductionRecords } from './production-records.js';
import { Stations, VirtualStation } from './station.js';
import { StationQueue } from './station-queue.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();
let sample: string;

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  sample = await bench.assignedCard();
}, 60_000);

/** All points take a minute of a core: CI breaks a third of them, another third in another run. */
const EVERY = process.env['CI'] === 'true' ? 3 : 1;
/** What the card and the database forget: GET DATA, metadata, SELECT, GENERAL AUTHENTICATE; select. */
const READS = /^(sql: select|card: INS (cb|f7|a4|87))/;

/** The service as it runs, on things that break at the fault. */
function station(fault: Fault, clock = bench.clock): PersonalisationService {
  const { app } = bench.service;
  const config = app.get<IssuanceConfig>(ISSUANCE_CONFIG);
  const source = breakableSource(bench.source, fault);
  const certificates = new CertificateIssuer(source, clock, config);
  const issue = new CardIssue(source, clock, app.get(Outbox), certificates, app.get(NoticesService), config);
  const records = new ProductionRecords(source, clock);
  const stations = new Stations([new VirtualStation('virtual', breakableCards(bench.cards, fault))]);
  const queue = new StationQueue(source, clock, stations);
  return new PersonalisationService(bench.source, records, certificates, issue, stations, queue, config);
}

interface Row {
  serial: string;
  slot: string;
  state: string;
  tbs: Buffer;
  der: Buffer | null;
  not_before: Date;
  not_after: Date;
}
const rowsOf = (cardNumber: string): Promise<Row[]> =>
  bench.source.query('select * from certificate where card_number = $1 order by slot, intended_at', [cardNumber]);

/** What must hold of a finished card, whatever happened on the way. */
async function expectFinished(cardNumber: string, answer: Personalised): Promise<void> {
  const rows = await rowsOf(cardNumber);
  const live = rows.filter(({ state }) => state !== 'abandoned');
  expect(live.map(({ slot, state }) => [slot, state])).toEqual([
    ['9C', 'written'],
    ['9D', 'written'],
    ['9E', 'written'],
  ]);
  expect(answer).toEqual({
    ...{ cardNumber, state: 'issued' },
    serials: { signature: live[0]!.serial, encryption: live[1]!.serial },
  });
  // Invariant 1, and: a signature has only ever been made over bytes that were stored with their serial.
  for (const { serial, tbs, der } of rows) {
    expect(serial).toMatch(/^(?!00)[0-7][0-9A-F]{31}$/);
    if (der) expect(der.includes(tbs)).toBe(true);
    if (der) expect(new X509Certificate(der).serialNumber).toBe(serial);
  }
  expect(new Set(live.map((row) => row.not_after.getTime())).size).toBe(1);

  const connection = await bench.cards.open(cardNumber);
  try {
    const piv = await PivCard.select(connection);
    for (const slot of CARD_SLOTS) {
      const der = live.find((row) => row.slot === slot)!.der!;
      expect(await piv.readCertificate(slot)).toEqual(der);
    }
    expect(await holdsKey(piv, '9E', new X509Certificate(live[2]!.der!).publicKey)).toBe(true);
    expect(await piv.pinTries()).toBe(5);
    expect(await piv.verifyPin(FACTORY_PIN)).toEqual({ ok: false, triesLeft: 4 });
    await expectOwnSecrets(piv, cardNumber);
  } finally {
    await connection.close();
  }

  const issued = await bench.events('certificate.issued', cardNumber);
  expect(issued).toHaveLength(1);
  expect(issued[0]!.data.serials).toEqual(answer.serials);
  expect(await bench.events('credential.set', cardNumber)).toHaveLength(1);
}

async function uuidOf(cardNumber: string): Promise<string> {
  const [card] = await bench.source.query('select card_uuid from card where card_number = $1', [cardNumber]);
  return (card as { card_uuid: string }).card_uuid;
}

async function managementKeyOf(cardNumber: string): Promise<Buffer> {
  const master = ensureSecretKey(bench.file('management-master'));
  const cardUuid = await uuidOf(cardNumber);
  return deriveManagementKey({ master, keyVersion: 1, generation: 1, cardUuid, cardNumber }, 24);
}

/** PUK and management key are those of the masters, and nobody writes the card without the latter. */
async function expectOwnSecrets(piv: PivCard, cardNumber: string): Promise<void> {
  const cardUuid = await uuidOf(cardNumber);
  const input = { keyVersion: 1, generation: 1, cardUuid, cardNumber };
  const puk = derivePuk({ ...input, master: ensureSecretKey(bench.file('puk-master')) });
  expect((await piv.metadata('puk'))?.tries).toEqual({ max: 3, left: 3 });
  expect(await piv.changePuk(puk, puk)).toEqual({ ok: true });
  await expect(piv.generateKey('9C', 'p-256')).rejects.toMatchObject({ params: { sw: '6982' } });
  await expect(piv.authenticateManagement(FACTORY_MANAGEMENT_KEY)).rejects.toMatchObject({ code: 'managementKeyRefused' }); // prettier-ignore
  await expect(piv.putObject(0x5fc102, Buffer.of(1))).rejects.toMatchObject({ params: { sw: '6982' } });
  await piv.authenticateManagement(await managementKeyOf(cardNumber));
}

async function pointsOfOneRun(): Promise<string[]> {
  const fault = new Fault();
  const cardNumber = await bench.quickCard(sample);
  await expectFinished(cardNumber, await station(fault).personalise(cardNumber));
  return fault.points;
}

describe('personalisation that breaks', () => {
  it('at any statement, commit or card command is finished by the next call', async () => {
    const points = await pointsOfOneRun();
    expect(points.length).toBeGreaterThan(100);
    // What stands when one point broke after its effect stands also when the next one broke before it.
    // And what only reads leaves all as it stood: to break there is to break after the point before it.
    const cases = points
      .map((name, at) => ({ name, at, mode: at === 0 ? ('before' as const) : ('after' as const) }))
      .filter(({ name, mode }) => mode === 'before' || !READS.test(name));
    expect(cases.length).toBeGreaterThan(50);
    const first = randomInt(EVERY);
    const drawn = cases.filter((_one, nth) => nth % EVERY === first);
    const worker = async () => {
      for (let next = drawn.pop(); next; next = drawn.pop()) {
        const { at, mode, name } = next;
        const cardNumber = await bench.quickCard(sample);
        await expect(station(new Fault(at, mode)).personalise(cardNumber)).rejects.toThrow(`broken ${mode} ${name}`);
        await expectFinished(cardNumber, await station(new Fault()).personalise(cardNumber));
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    const [{ serials, certificates }] = (await bench.source.query(
      `select (select count(distinct serial)::int from serial) as serials,
              (select count(*)::int from certificate) as certificates`,
    )) as [{ serials: number; certificates: number }];
    expect(serials).toBe(certificates);
  }, 600_000);

  it('again and again, at a random point each time, is finished by the last call', async () => {
    const points = (await pointsOfOneRun()).length;
    for (let round = 0; round < 5; round += 1) {
      const cardNumber = await bench.quickCard(sample);
      let answer: Personalised | undefined;
      for (let call = 0; call < 12 && !answer; call += 1) {
        const fault = new Fault(Math.floor(Math.random() * points), Math.random() < 0.5 ? 'before' : 'after');
        answer = await station(fault)
          .personalise(cardNumber)
          .catch(() => undefined);
      }
      await expectFinished(cardNumber, await station(new Fault()).personalise(cardNumber));
    }
  }, 120_000);
});

describe('personalisation that goes on', () => {
  const stop = async (cardNumber: string, name: string, mode: 'before' | 'after', clock?: Clock) => {
    const at = (await pointsOfOneRun()).indexOf(name);
    await expect(station(new Fault(at, mode), clock).personalise(cardNumber)).rejects.toThrow(`broken ${mode} ${name}`);
  };
  const SIGNED = `sql: update certificate set state = 'signed', der = $2, signed_at`;

  it('signs the bytes that were stored, with their serial and times, also on another day', async () => {
    const cardNumber = await bench.quickCard(sample);
    const yesterday = new Clock();
    yesterday.set(-86_400_000);
    await stop(cardNumber, SIGNED, 'before', yesterday);
    const intended = await rowsOf(cardNumber);
    expect(intended.map(({ state }) => state)).toEqual(['intended', 'intended', 'intended']);
    await expectFinished(cardNumber, await station(new Fault()).personalise(cardNumber));
    const rows = await rowsOf(cardNumber);
    expect(rows.map(({ serial, tbs }) => ({ serial, tbs }))).toEqual(
      intended.map(({ serial, tbs }) => ({ serial, tbs })),
    );
  });

  it('with another key on the card gives up all three certificates on record, and takes new serials', async () => {
    const cardNumber = await bench.quickCard(sample);
    await stop(cardNumber, SIGNED, 'after');
    const before = await rowsOf(cardNumber);
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    await piv.authenticateManagement(await managementKeyOf(cardNumber));
    await piv.generateKey('9E', 'p-256');
    await connection.close();
    await expectFinished(cardNumber, await station(new Fault()).personalise(cardNumber));
    const after = await rowsOf(cardNumber);
    const abandoned = after.filter(({ state }) => state === 'abandoned');
    expect(abandoned.map(({ serial }) => serial)).toEqual(before.map(({ serial }) => serial));
    expect(after).toHaveLength(6);
  });

  const layBlank = async (cardNumber: string) => {
    rmSync(join(bench.file('cards'), `${cardNumber}.card.json`));
    await bench.cards.create(cardNumber);
    // As some makers deliver theirs: with three tries, not five.
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    await piv.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    await piv.verifyPin(FACTORY_PIN);
    await piv.setTries(3, 3);
    await connection.close();
  };

  it('refuses a blank card in place of one that has its identity; a broken one is given up, and another made', async () => {
    const cardNumber = await bench.quickCard(sample);
    await stop(cardNumber, SIGNED, 'after');
    await layBlank(cardNumber);
    const refused = station(new Fault()).personalise(cardNumber);
    await expect(refused).rejects.toMatchObject({ code: 'wrongCardInStation', params: { expected: cardNumber } });
    const connection = await bench.cards.open(cardNumber);
    const piv = await PivCard.select(connection);
    await piv.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    expect(await piv.chuid()).toBeUndefined();
    await connection.close();

    await bench.stock(1);
    const { body } = await bench.operate(`/cards/${cardNumber}/defect`, { ground: '晶片無回應' });
    const next = body['newCardNumber'] as string;
    await expectFinished(next, await station(new Fault()).personalise(next));
    expect((await rowsOf(cardNumber)).map(({ state }) => state)).toEqual(['abandoned', 'abandoned', 'abandoned']);
    const again = station(new Fault()).personalise(cardNumber);
    await expect(again).rejects.toMatchObject({
      ...{ code: 'conflict', params: { state: 'defective' }, message: expect.stringContaining('never made') },
    });
  }, 120_000);

  it('on a blank card in place of one that had no identity yet sets its tries too', async () => {
    const cardNumber = await bench.quickCard(sample);
    const at = (await pointsOfOneRun()).findLastIndex((name) => name === 'card: INS fa') + 3; // tries are done on record
    await expect(station(new Fault(at)).personalise(cardNumber)).rejects.toThrow('broken before');
    const done = () => bench.source.query(`select 1 from production_step where card_number = $1 and step = 'tries' and done_at is not null`, [cardNumber]); // prettier-ignore
    expect(await done()).toHaveLength(1);
    await layBlank(cardNumber);
    await expectFinished(cardNumber, await station(new Fault()).personalise(cardNumber));
  });

  it('leaves a card alone that has one try left, and one with another identity', async () => {
    const tried = await bench.quickCard(sample);
    let connection = await bench.cards.open(tried);
    const piv = await PivCard.select(connection);
    for (let i = 0; i < 4; i += 1) await piv.verifyPin('999999');
    await connection.close();
    await expect(station(new Fault()).personalise(tried)).rejects.toMatchObject({ code: 'pinLastTry' });
    connection = await bench.cards.open(tried);
    expect(await (await PivCard.select(connection)).pinTries()).toBe(1);
    await connection.close();

    const other = await bench.quickCard(sample);
    await stop(other, SIGNED, 'after');
    await bench.source.query('update card set card_uuid = gen_random_uuid() where card_number = $1', [other]);
    await expect(station(new Fault()).personalise(other)).rejects.toMatchObject({ code: 'wrongCardInStation' });
  });
});
