import { verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CardConnection, FACTORY_PIN, FACTORY_PUK, PivCard } from '#libs/piv';
import { FAMILIES, FAMILY_NAMES, type FamilyName } from './families.js';
import { sampleCard } from './sample-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

const PIN = '24681357';
const padded = (pin: string) => Buffer.from(pin.padEnd(8, '\xff'), 'latin1').toString('hex');
let made = 0;

describe.each(FAMILY_NAMES)('a virtual card like %s', (family: FamilyName) => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  afterAll(() => rmSync(dir, { recursive: true }));
  const { comparesFirst, erasesKeys, pinRightBefore, resetCommand, vendorCommands } = FAMILIES[family];

  async function powered() {
    const sample = await sampleCard(store, `EC${String(++made).padStart(14, '0')}`, { family });
    const connection = await store.open(sample.cardNumber);
    return { sample, connection, card: await PivCard.select(connection) };
  }
  const send = async (connection: CardConnection, hex: string) =>
    (await connection.transmit(Buffer.from(hex, 'hex'))).toString('hex');

  it('is recognised, and takes the PINs its profile says', async () => {
    const { connection, card } = await powered();
    expect(card.profile.name).toBe(family);
    expect(await card.managementAlgorithm()).toBe(card.profile.managementAlgorithm);
    expect(card.profile.vendorCommands).toBe(vendorCommands);
    const ascii = card.profile.pinCharset === 'ascii';
    // Behind the host's back: the old PIN is right, so no card counts it.
    const letters = await send(connection, `0024008010${padded(PIN)}${padded('Ab1!xy')}`);
    expect(letters).toBe(ascii ? '9000' : '6a80');
    expect(await card.verifyPin(ascii ? 'Ab1!xy' : PIN)).toEqual({ ok: true });
    await connection.close();
  });

  it('counts a malformed PIN only where it compares first, and a malformed new one never', async () => {
    const { connection } = await powered();
    expect(await send(connection, '0020008008313233ffffffffff')).toBe(comparesFirst ? '63c4' : '6a80');
    expect(await send(connection, `0024008010${padded(PIN)}313233ffffffffff`)).toBe('6a80');
    expect(await send(connection, `002c008010${padded(FACTORY_PUK)}313233ffffffffff`)).toBe('6a80');
    expect(await send(connection, '00200080')).toBe('63c5'); // the right old PIN gave the tries back
    expect(await send(connection, '002000800831323334353637')).toBe('6700');
    expect(await send(connection, '002000800731323334353637')).toBe('6a80');
    await connection.close();
  });

  it('resets the PIN for the PUK, does not verify it by that, and has the PUK changed', async () => {
    const { connection, card } = await powered();
    expect(await card.verifyPin('999999')).toEqual({ ok: false, triesLeft: 4 });
    expect(await card.resetPin('99999999', '123456')).toEqual({ ok: false, triesLeft: 2 });
    expect(await card.resetPin(FACTORY_PUK, '135790')).toEqual({ ok: true });
    expect(await card.pinTries()).toBe(5);
    expect(await card.changePuk(FACTORY_PUK, '87654321')).toEqual({ ok: true });
    expect(await card.resetPin(FACTORY_PUK, '246802')).toEqual({ ok: false, triesLeft: 2 });
    expect(await card.changePuk(FACTORY_PUK, '11111111')).toEqual({ ok: false, triesLeft: 1 });
    expect(await card.changePuk('87654321', FACTORY_PUK)).toEqual({ ok: true });
    expect(await card.verifyPin('135790')).toEqual({ ok: true });
    await expect(card.resetPin('letters!', '246802')).rejects.toMatchObject({ code: 'pinFormat' });
    await connection.close();
  });

  it('signs with 9C once a PIN, and right after it where it is that strict', async () => {
    const { sample, connection, card } = await powered();
    const key = new X509Certificate(sample.signatureCertificate).publicKey;
    const message = Buffer.from('a message');
    await card.readCertificate('9C');
    await card.verifyPin(PIN);
    // The host has read the certificate before: nothing comes between.
    expect(verify('sha256', message, key, await card.sign('9C', message))).toBe(true);
    await expect(card.sign('9C', message)).rejects.toMatchObject({ params: { sw: '6982' } });

    await card.verifyPin(PIN);
    await card.pinTries();
    const later = card.sign('9C', message);
    if (pinRightBefore) await expect(later).rejects.toMatchObject({ params: { sw: '6982' } });
    else expect(verify('sha256', message, key, await later)).toBe(true);
    await connection.close();
  });

  it('tells its metadata where it has such a command', async () => {
    const { connection, card } = await powered();
    await card.verifyPin('999999');
    if (!vendorCommands) {
      for (const ins of ['f7008000', 'fd000000', 'f8000000', 'ffffff00', 'fa030300', 'fb000000']) {
        expect(await send(connection, `00${ins}`)).toBe('6d00');
      }
      expect(await card.metadata('pin')).toBeUndefined();
    } else {
      expect(await card.metadata('pin')).toEqual({ isDefault: false, tries: { max: 5, left: 4 } });
      expect(await card.metadata('puk')).toEqual({ isDefault: true, tries: { max: 3, left: 3 } });
      expect(await card.metadata('9C')).toEqual({ algorithm: 'p-256' });
      expect(await send(connection, '00fd000000')).toMatch(/^0[0-9a-f]{5}9000$/);
      expect(await send(connection, '00f7008200')).toBe('6a86');
    }
    await connection.close();
  });

  it(`is ${FAMILIES[family].erasesKeys ? 'without its keys' : 'dead or to be wiped'} when PIN and PUK are both blocked`, async () => {
    const { sample, connection, card } = await powered();
    if (resetCommand) expect(await send(connection, '00fb0000')).toBe('6982');
    for (let left = 4; left >= 0; left -= 1) {
      expect(await card.verifyPin('999999')).toEqual({ ok: false, triesLeft: left });
    }
    expect((await card.sign('9E', Buffer.from('still'))).length).toBeGreaterThan(8);
    for (let left = 2; left >= 0; left -= 1) {
      expect(await card.resetPin('99999999', PIN)).toEqual({ ok: false, triesLeft: left });
    }
    expect(await card.verifyPin(PIN)).toEqual({ ok: false, triesLeft: 0 });
    expect(await card.resetPin(FACTORY_PUK, PIN)).toEqual({ ok: false, triesLeft: 0 });
    expect(await card.changePuk(FACTORY_PUK, '87654321')).toEqual({ ok: false, triesLeft: 0 });

    const present = card.sign('9E', Buffer.from('still'));
    if (erasesKeys) await expect(present).rejects.toMatchObject({ params: { sw: '6F00' } });
    else expect((await present).length).toBeGreaterThan(8);
    expect(await card.readCertificate('9E')).toEqual(sample.cardCertificate);

    expect(await send(connection, '00fb0000')).toBe(resetCommand ? '9000' : '6d00');
    if (resetCommand) {
      expect(await card.readCertificate('9E')).toBeUndefined();
      expect(await card.verifyPin(FACTORY_PIN)).toEqual({ ok: true });
      expect(await card.metadata('management')).toMatchObject({ isDefault: true });
    }
    await connection.close();
  });

  it('sets the tries, and PIN and PUK back, for who has 9B and the PIN', async () => {
    const { sample, connection, card } = await powered();
    expect(await send(connection, '00fa0307')).toBe(vendorCommands ? '6982' : '6d00');
    if (!vendorCommands) return connection.close();
    await card.verifyPin(PIN);
    expect(await send(connection, '00fa0307')).toBe('6982');
    await card.authenticateManagement(sample.managementKey);
    expect(await send(connection, '00fa0010')).toBe('6a86');
    expect(await send(connection, '00fa0307')).toBe('9000');
    expect(await card.metadata('pin')).toEqual({ isDefault: true, tries: { max: 3, left: 3 } });
    expect(await card.metadata('puk')).toEqual({ isDefault: true, tries: { max: 7, left: 7 } });
    expect(await card.verifyPin(FACTORY_PIN)).toEqual({ ok: true });
    return connection.close();
  });
});
