import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CardConnection, FACTORY_MANAGEMENT_KEY, FACTORY_PIN, FACTORY_PUK, PivCard } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import { CardSecrets, type DerivedSecrets, TRIES } from './card-secrets.js';
import type { Step } from './production-records.js';

const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kaika-secrets-'));
const store = new VirtualCardStore(dir);
afterAll(() => rmSync(dir, { recursive: true }));

const derived: DerivedSecrets = {
  transportPin: '24681357',
  puk: '97531864',
  managementKey: (bytes) => Buffer.alloc(bytes, 0x5a),
};
type StepState = 'not begun' | 'begun' | 'done';

/** What the database would have on record. */
class Records {
  readonly states = new Map<Step, StepState>();
  readonly tries = new Map<Step, number>();
  stepState = (_card: string, step: Step) => Promise.resolve(this.states.get(step) ?? ('not begun' as const));
  triesLeft = (_card: string, step: Step) => Promise.resolve(this.tries.get(step));
  countTry = (_card: string, step: Step, left: number) => Promise.resolve(void this.tries.set(step, left));
}

interface Bench {
  piv: PivCard;
  secrets: CardSecrets;
  records: Records;
  connection: CardConnection;
  sent: string[];
}

let cards = 0;
type Family = 'virtual' | 'piv' | 'pivapplet' | 'yubikey';
const newCard = async (family: Family = 'virtual') => {
  const cardNumber = `TT${String(++cards).padStart(14, '0')}`;
  await store.create(cardNumber, { family });
  return cardNumber;
};

/** @param metadata false: a card whose maker has no F7 */
async function station(cardNumber: string, { records = new Records(), metadata = true } = {}): Promise<Bench> {
  const card = await store.open(cardNumber);
  const sent: string[] = [];
  const connection: CardConnection = {
    transmit: (apdu) => {
      sent.push(Buffer.from(apdu).toString('hex', 1, 4));
      return apdu[1] === 0xf7 && !metadata ? Promise.resolve(Buffer.from('6d00', 'hex')) : card.transmit(apdu);
    },
    close: () => card.close(),
  };
  const piv = await PivCard.select(connection);
  return { piv, secrets: new CardSecrets(cardNumber, records, piv, derived), records, connection, sent };
}

describe('the management key', () => {
  it.each(['virtual', 'pivapplet', 'yubikey'] as const)('of a card like %s is taken over', async (family) => {
    const { piv, secrets, connection } = await station(await newCard(family));
    await secrets.takeOver();
    await piv.putObject(0x5fc102, Buffer.of(0x30, 0));
    const refused = { code: 'managementKeyRefused' };
    await expect(piv.authenticateManagement(FACTORY_MANAGEMENT_KEY)).rejects.toMatchObject(refused);
    await secrets.takeOver(); // changes nothing
    await secrets.mustBeTaken();
    await connection.close();
  });

  it('of a plain PIV card cannot be: it is refused, and never shipped with the factory’s', async () => {
    const { secrets, connection, sent } = await station(await newCard('piv'));
    await expect(secrets.takeOver()).rejects.toMatchObject({ code: 'managementKeyFixed' });
    expect(sent.filter((header) => !header.startsWith('a4') && !header.startsWith('87'))).toEqual([]);
    await connection.close();
  });

  it('that is neither the factory’s nor its own is told', async () => {
    const cardNumber = `TT${String(++cards).padStart(14, '0')}`;
    await store.create(cardNumber, { management: { algorithm: 'aes-192', key: Buffer.alloc(24, 9) } });
    const { secrets, connection } = await station(cardNumber);
    await expect(secrets.takeOver()).rejects.toMatchObject({ code: 'managementKeyRefused' });
    await connection.close();
  });

  it('that the card says it took and did not is found out', async () => {
    const cardNumber = await newCard();
    const card = await store.open(cardNumber);
    const lying: CardConnection = {
      transmit: (apdu) => (apdu[1] === 0xff ? Promise.resolve(Buffer.from('9000', 'hex')) : card.transmit(apdu)),
      close: () => card.close(),
    };
    const secrets = new CardSecrets(cardNumber, new Records(), await PivCard.select(lying), derived);
    await expect(secrets.takeOver()).rejects.toMatchObject({ code: 'cardCommunication' });
    await card.close();
  });
});

describe('the number of tries', () => {
  it.each(['virtual', 'pivapplet', 'yubikey'] as const)(
    'of a card like %s is set before PIN and PUK',
    async (family) => {
      const { piv, secrets, connection } = await station(await newCard(family));
      await secrets.takeOver();
      await secrets.setTries();
      expect((await piv.metadata('puk'))?.tries).toEqual({ max: TRIES.puk, left: TRIES.puk });
      await secrets.setPuk();
      await secrets.setTransportPin();
      expect(await piv.verifyPin('000000')).toEqual({ ok: false, triesLeft: TRIES.pin - 1 });
      expect(await piv.changePuk(FACTORY_PUK, FACTORY_PUK)).toEqual({ ok: false, triesLeft: TRIES.puk - 1 });
      await connection.close();
    },
  );
});

describe('the PUK', () => {
  /** Where a PUK may stand when its change broke, and how often it may have been tried wrongly. */
  const cases = (['not begun', 'begun'] as const).flatMap((state) =>
    [FACTORY_PUK, derived.puk].flatMap((present) => [true, false].map((metadata) => ({ state, present, metadata }))),
  );

  it.each(cases.filter(({ state, present }) => state === 'begun' || present === FACTORY_PUK))(
    'is set from wherever its change broke: $state, $present, metadata $metadata',
    async ({ state, present, metadata }) => {
      const cardNumber = await newCard();
      const before = await station(cardNumber);
      if (present !== FACTORY_PUK) await before.piv.changePuk(FACTORY_PUK, present);
      await before.connection.close();
      const records = new Records();
      records.states.set('puk', state);
      const { piv, secrets, connection } = await station(cardNumber, { records, metadata });
      await secrets.setPuk();
      expect(await piv.changePuk(derived.puk, derived.puk)).toEqual({ ok: true });
      await connection.close();
    },
  );

  it.each([true, false])('is never sent with one try left, metadata %s', async (metadata) => {
    const cardNumber = await newCard();
    const { piv, connection } = await station(cardNumber);
    for (let left = TRIES.puk - 1; left > 0; left -= 1) {
      expect(await piv.changePuk('00000000', '00000000')).toEqual({ ok: false, triesLeft: left });
    }
    await connection.close();
    const records = new Records();
    records.states.set('puk', 'begun');
    records.tries.set('puk', 1);
    const next = await station(cardNumber, { records, metadata });
    await expect(next.secrets.setPuk()).rejects.toMatchObject({ code: 'pinLastTry' });
    expect(next.sent.filter((header) => header === '240081')).toEqual([]);
    await next.connection.close();
  });

  it('without metadata has its tries counted before each is sent', async () => {
    const cardNumber = await newCard();
    const { piv, connection } = await station(cardNumber);
    await piv.changePuk(FACTORY_PUK, '11111111'); // somebody else's
    await connection.close();
    const records = new Records();
    for (const left of [1, 1, 1]) {
      records.states.set('puk', 'begun');
      const next = await station(cardNumber, { records, metadata: false });
      await expect(next.secrets.setPuk()).rejects.toMatchObject({
        code: expect.stringMatching(/pinLastTry|pinRefused/),
      });
      await next.connection.close();
      expect(records.tries.get('puk')).toBe(left);
    }
  });
});

describe('the transport PIN', () => {
  it.each([FACTORY_PIN, derived.transportPin])(
    'is set when the card has %s and its change was begun',
    async (present) => {
      const cardNumber = await newCard();
      const before = await station(cardNumber);
      if (present !== FACTORY_PIN) await before.piv.changePin(FACTORY_PIN, present);
      await before.connection.close();
      const records = new Records();
      records.states.set('transport-pin', 'begun');
      const { piv, secrets, connection } = await station(cardNumber, { records });
      await secrets.setTransportPin();
      expect(await piv.verifyPin(derived.transportPin)).toEqual({ ok: true });
      await connection.close();
    },
  );

  it('that is somebody else’s costs two tries at most and is told', async () => {
    const cardNumber = await newCard();
    const before = await station(cardNumber);
    await before.piv.changePin(FACTORY_PIN, '11111111');
    await before.connection.close();
    const records = new Records();
    records.states.set('transport-pin', 'begun');
    const { piv, secrets, connection } = await station(cardNumber, { records });
    await expect(secrets.setTransportPin()).rejects.toMatchObject({ code: 'pinRefused' });
    expect(await piv.pinTries()).toBe(TRIES.pin - 2);
    await connection.close();
  });
});
