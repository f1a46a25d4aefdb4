import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  type CardConnection,
  cryptBlock,
  FACTORY_MANAGEMENT_KEY,
  MANAGEMENT_ALGORITHMS,
  type ManagementAlgorithm,
  managementBlockBytes,
  managementKeyBytes,
  OBJECT,
  PivCard,
  tlv,
} from '#libs/piv';
import { VirtualCardStore } from './virtual-card-store.js';

const ALL = Object.keys(MANAGEMENT_ALGORITHMS) as ManagementAlgorithm[];
let made = 0;

describe('the management key of a virtual card', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  afterAll(() => rmSync(dir, { recursive: true }));

  async function cardWith(algorithm: ManagementAlgorithm, key = Buffer.alloc(managementKeyBytes(algorithm), 0xa1)) {
    const number = `EC${String(++made).padStart(14, '0')}`;
    await store.create(number, { management: { algorithm, key } });
    const connection = await store.open(number);
    return { number, key, connection, card: await PivCard.select(connection) };
  }
  const send = async (connection: CardConnection, hex: string) =>
    (await connection.transmit(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toString('hex');

  it.each(ALL)('opens the card to who has it, in %s, until reset', async (algorithm) => {
    const { number, key, connection, card } = await cardWith(algorithm);
    await expect(card.putObject(OBJECT.CCC, Buffer.of(1))).rejects.toMatchObject({ params: { sw: '6982' } });
    await expect(card.generateKey('9E', 'p-256')).rejects.toMatchObject({ params: { sw: '6982' } });
    await card.authenticateManagement(key);
    await card.putObject(OBJECT.CCC, Buffer.of(1));
    await card.generateKey('9E', 'p-256');
    await connection.close();

    const again = await store.open(number);
    const reset = await PivCard.select(again);
    await expect(reset.putObject(OBJECT.CCC, Buffer.of(2))).rejects.toMatchObject({ params: { sw: '6982' } });
    expect(await reset.readObject(OBJECT.CCC)).toEqual(Buffer.of(1));
    await again.close();
  });

  it.each(ALL)('is refused when it is another, in %s, and takes back what was open', async (algorithm) => {
    const { key, connection, card } = await cardWith(algorithm);
    await card.authenticateManagement(key);
    const wrong = Buffer.alloc(key.length, 0xb2);
    await expect(card.authenticateManagement(wrong)).rejects.toMatchObject({ code: 'managementKeyRefused' });
    await expect(card.putObject(OBJECT.CCC, Buffer.of(1))).rejects.toMatchObject({ params: { sw: '6982' } });
    for (const bytes of [0, 8, 16, 20, 24, 32].filter((n) => n !== key.length)) {
      const other = card.authenticateManagement(Buffer.alloc(bytes));
      await expect(other).rejects.toThrow(); // a length no cipher has, or one this card does not
    }
    await card.authenticateManagement(key);
    await connection.close();
  });

  it('tells 3DES from AES-192 by the card, also where it has no metadata', async () => {
    for (const algorithm of ['3des', 'aes-192'] as const) {
      const number = `EC${String(++made).padStart(14, '0')}`;
      const key = Buffer.alloc(24, 0xc3);
      await store.create(number, { family: 'piv', management: { algorithm, key } });
      const connection = await store.open(number);
      const card = await PivCard.select(connection);
      expect(await card.metadata('management')).toBeUndefined();
      await card.authenticateManagement(key);
      expect(await card.managementAlgorithm()).toBe(algorithm);
      await expect(card.setManagementKey(key)).rejects.toMatchObject({ code: 'unknownCardKind' });
      await connection.close();
    }
  });

  it('is replaced by who has it, and says in its metadata that it is no longer the factory’s', async () => {
    const number = 'EC10000000000001';
    await store.create(number);
    const connection = await store.open(number);
    const card = await PivCard.select(connection);
    expect(await card.metadata('management')).toMatchObject({ algorithm: 'aes-192', isDefault: true });
    const next = Buffer.alloc(24, 0x5e);
    await expect(card.setManagementKey(next)).rejects.toMatchObject({ params: { sw: '6982' } });
    await card.authenticateManagement(FACTORY_MANAGEMENT_KEY);
    await expect(card.setManagementKey(Buffer.alloc(16))).rejects.toThrow(RangeError);
    await card.setManagementKey(next);
    await expect(card.authenticateManagement(FACTORY_MANAGEMENT_KEY)).rejects.toMatchObject({
      code: 'managementKeyRefused',
    });
    await card.authenticateManagement(next);
    expect(await card.metadata('management')).toMatchObject({ algorithm: 'aes-192', isDefault: false });
    await connection.close();
    await expect(store.create(number)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('gives each witness one try, by the very next command', async () => {
    const { key, connection } = await cardWith('aes-128');
    const witness = async () => {
      const answer = Buffer.from(await send(connection, '0087089b047c02800000'), 'hex');
      return cryptBlock('decrypt', 'aes-128', key, answer.subarray(4, 20));
    };
    const mutual = (plain: Buffer) => {
      const data = tlv(0x7c, tlv(0x80, plain), tlv(0x81, Buffer.alloc(16)), tlv(0x82)).toString('hex');
      return send(connection, `0087089b28${data}00`);
    };
    expect(await mutual(Buffer.alloc(16))).toBe('6a80'); // without a witness

    const wrong = await witness();
    expect(await mutual(Buffer.alloc(16))).toBe('6982');
    expect(await mutual(wrong)).toBe('6a80'); // it was used

    const interrupted = await witness();
    await send(connection, '00200080');
    expect(await mutual(interrupted)).toBe('6a80');

    const replaced = await witness();
    await witness();
    expect(await mutual(replaced)).toBe('6982');

    const right = await mutual(await witness());
    expect(right).toBe(`7c128210${cryptBlock('encrypt', 'aes-128', key, Buffer.alloc(16)).toString('hex')}9000`);
    await connection.close();
  });

  it('also takes an encrypted challenge, and nothing that mixes the two ways', async () => {
    const { key, connection, card } = await cardWith('aes-256');
    const block = managementBlockBytes('aes-256');
    const challenge = async () =>
      Buffer.from(await send(connection, '00870c9b047c02810000'), 'hex').subarray(4, 4 + block);
    const respond = (response: Buffer) =>
      send(connection, `00870c9b14${tlv(0x7c, tlv(0x82, response)).toString('hex')}`);
    expect(await respond(await challenge())).toBe('6982'); // not encrypted
    expect(await respond(cryptBlock('encrypt', 'aes-256', key, await challenge()))).toBe('9000');
    await card.putObject(OBJECT.CCC, Buffer.of(1));

    const shown = await challenge(); // in clear: as a witness it would be free
    const data = tlv(0x7c, tlv(0x80, shown), tlv(0x81, Buffer.alloc(16)), tlv(0x82)).toString('hex');
    expect(await send(connection, `00870c9b28${data}00`)).toBe('6a80');
    for (const [apdu, sw] of [
      ['0087039b047c02800000', '6a86'], // another cipher
      ['00870c9b047c02830000', '6a80'],
      ['00870c9b027c0000', '6a80'],
      ['00870c9b0412345678', '6a80'],
    ] as const) {
      expect(`${apdu} ${await send(connection, apdu)}`).toBe(`${apdu} ${sw}`);
    }
    await connection.close();
  });

  it('is lost when another application is selected, and kept when PIV is selected again', async () => {
    const { key, connection, card } = await cardWith('aes-192');
    await card.authenticateManagement(key);
    const again = await PivCard.select(connection);
    await again.putObject(OBJECT.CCC, Buffer.of(1));
    expect(await send(connection, '00a4040008a00000015100000000')).toMatch(/9000$/);
    expect(await send(connection, '00200080')).toBe('6d00');
    const back = await PivCard.select(connection);
    await expect(back.putObject(OBJECT.CCC, Buffer.of(2))).rejects.toMatchObject({ params: { sw: '6982' } });
    await connection.close();
  });
});
