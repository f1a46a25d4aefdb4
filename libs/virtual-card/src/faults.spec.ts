import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PivCard } from '#libs/piv';
import { type Fault, withFaults } from './faults.js';
import { FIXTURE_NAMES, FIXTURES, makeFixture } from './fixtures.js';
import { sampleCard, type SampleCard } from './sample-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

const NUMBER = 'EC00000000000001';
const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
const store = new VirtualCardStore(dir);
afterAll(() => rmSync(dir, { recursive: true }));

describe('faults of a virtual card', () => {
  let sample: SampleCard;
  beforeAll(async () => {
    sample = await sampleCard(store, NUMBER);
  });

  const faulty = async (...faults: Fault[]) => withFaults(await store.open(NUMBER), faults);

  it('takes the card out at any one APDU of a session, before or after the card has done it', async () => {
    const session = async (...faults: Fault[]) => {
      const connection = await faulty(...faults);
      try {
        const card = await PivCard.select(connection, 1_000);
        await card.readCertificate('9C');
        await card.changePin(sample.transportPin, '135790');
        await card.changePin('135790', sample.transportPin);
        return connection.apdus;
      } finally {
        await connection.close();
      }
    };
    const all = await session();
    expect(all).toBeGreaterThan(4);
    for (let nth = 1; nth <= all; nth += 1) {
      for (const pull of ['before', 'after'] as const) {
        await expect(session({ at: { nth }, pull })).rejects.toMatchObject({ code: 'cardRemoved' });
        // It took effect when it was heard: the first CHANGE is the last but one APDU.
        const changed = nth === all - 1 ? pull === 'after' : nth === all ? pull === 'before' : false;
        const connection = await store.open(NUMBER);
        const card = await PivCard.select(connection);
        expect(await card.changePin(changed ? '135790' : sample.transportPin, sample.transportPin)).toEqual({
          ok: true,
        });
        await connection.close();
      }
    }
  });

  it('is slow, says something else, or garbles what it says, at an INS or an APDU', async () => {
    const slow = await faulty({ at: { ins: 0xcb }, slowMs: 200 });
    await expect((await PivCard.select(slow, 20)).readCertificate('9C')).rejects.toMatchObject({
      code: 'cardCommunication',
    });
    await slow.close();

    const endless = await faulty({ at: { ins: 0xcb }, answers: Buffer.from('6c10', 'hex') });
    await expect((await PivCard.select(endless)).readCertificate('9C')).rejects.toMatchObject({
      params: { sw: '6C10' },
    });
    await endless.close();

    const cut = await faulty({ at: { nth: 2 }, garbles: (answer) => answer.subarray(0, 1) });
    await expect((await PivCard.select(cut)).pinTries()).rejects.toMatchObject({ code: 'cardCommunication' });
    expect(await (await PivCard.select(cut)).pinTries()).toBe(5);
    await cut.close();
  });

  it('speaks T=0 when asked to, and gives the same', async () => {
    const connection = await store.open(NUMBER, { t0: true });
    const send = async (hex: string) => (await connection.transmit(Buffer.from(hex, 'hex'))).toString('hex');
    const card = await PivCard.select(connection);
    expect(await card.readCertificate('9C')).toEqual(sample.signatureCertificate);
    expect(await card.metadata('pin')).toMatchObject({ tries: { max: 5, left: 5 } });
    expect(await card.verifyPin(sample.transportPin)).toEqual({ ok: true });
    expect(await card.sign('9E', Buffer.from('x'))).toBeInstanceOf(Buffer);
    expect(await send('00fd000000')).toBe('6c03');
    expect(await send('00fd000003')).toMatch(/^.{6}9000$/);
    expect(await send('00cb3fff035c017e00')).toBe('6114');
    expect(await send('00c0000020')).toBe('6c14');
    expect(await send('00c0000014')).toMatch(/^7e12.*9000$/);
    await connection.close();
  });

  it('gives no more than Le asks for, and the rest when it is asked for', async () => {
    const connection = await store.open(NUMBER);
    const send = async (hex: string) => (await connection.transmit(Buffer.from(hex, 'hex'))).toString('hex');
    await PivCard.select(connection);
    expect(await send('00cb3fff035c017e04')).toBe('7e124f0b6110');
    expect(await send('00c0000002')).toBe('a000610e');
    expect(await send('00200080')).toBe('63c5'); // another command drops the rest
    expect(await send('00c0000000')).toBe('6985');
    await connection.close();
  });
});

describe('fixtures', () => {
  it.each(FIXTURE_NAMES)('%s is what it says', async (name) => {
    const number = `EC2000000000000${FIXTURE_NAMES.indexOf(name)}`;
    const fixture = await makeFixture(store, name, number);
    expect(FIXTURES[name].length).toBeGreaterThan(10);
    const connection = await fixture.powerOn();
    if (name === 'foreign') {
      await expect(PivCard.select(connection)).rejects.toMatchObject({ code: 'unknownCardKind' });
      expect((await connection.transmit(Buffer.from('00a4040000', 'hex'))).toString('hex')).toBe('6a82');
      return;
    }
    const card = await PivCard.select(connection);
    expect(await card.pinTries()).toBe({ touched: 3, blocked: 0 }[name as string] ?? 5);
    expect((await card.readCertificate('9C')) === undefined).toBe(name === 'empty');
    const result = await card.verifyPin(fixture.pin!);
    expect(result).toEqual(name === 'blocked' ? { ok: false, triesLeft: 0 } : { ok: true });
    await expect(card.putObject(0x5fc107, Buffer.of(1))).rejects.toMatchObject({ params: { sw: '6982' } });
    await connection.close();
  });
});
