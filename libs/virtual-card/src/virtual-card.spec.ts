import { spawn } from 'node:child_process';
import { createHash, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FACTORY_PIN, PivCard } from '#libs/piv';
import { sampleCard, type SampleCard } from './sample-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

const NUMBER = 'EC00000000000001';
const OTHER = 'EC00000000000002';

describe('VirtualCard', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  let sample: SampleCard;

  beforeAll(async () => {
    sample = await sampleCard(store, NUMBER, { signatureKey: 'rsa-2048', email: 'info@example.tw' });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  async function withCard<T>(work: (card: PivCard) => Promise<T>, number = NUMBER): Promise<T> {
    const connection = await store.open(number);
    try {
      return await work(await PivCard.select(connection));
    } finally {
      await connection.close();
    }
  }

  it('gives back the certificates and the UUID it was personalised with', async () => {
    await withCard(async (card) => {
      expect(await card.readCertificate('9C')).toEqual(sample.signatureCertificate);
      expect(await card.readCertificate('9D')).toEqual(sample.encryptionCertificate);
      expect(await card.readCertificate('9E')).toEqual(sample.cardCertificate);
      expect(await card.chuid()).toEqual({ cardUuid: sample.cardUuid });
      expect(await card.pinTries()).toBe(5);
    });
  });

  it('signs with 9E without a PIN and with 9C once a PIN, as node:crypto and openssl agree', async () => {
    const message = Buffer.from('a message');
    await withCard(async (card) => {
      const byCard = await card.sign('9E', message);
      expect(verify('sha256', message, new X509Certificate(sample.cardCertificate).publicKey, byCard)).toBe(true);
      await expect(card.sign('9C', message)).rejects.toMatchObject({
        code: 'cardCommunication',
        params: { sw: '6982' },
      });

      expect(await card.verifyPin(sample.transportPin)).toEqual({ ok: true });
      const byHolder = await card.sign('9C', message);
      expect(verify('sha256', message, new X509Certificate(sample.signatureCertificate).publicKey, byHolder)).toBe(
        true,
      );
      await expect(card.sign('9C', message)).rejects.toMatchObject({ params: { sw: '6982' } });
      expect(await opensslAgrees(message, byCard, sample.cardCertificate)).toBe('Verified OK');
      expect(await opensslAgrees(message, byHolder, sample.signatureCertificate)).toBe('Verified OK');
    });
  });

  it('uses 9D any number of times after one PIN', async () => {
    await withCard(async (card) => {
      const block = Buffer.concat([Buffer.alloc(224), createHash('sha256').update('x').digest()]);
      await expect(card.signPrepared('9D', 'rsa-2048', block)).rejects.toMatchObject({ params: { sw: '6982' } });
      await card.verifyPin(sample.transportPin);
      expect(await card.signPrepared('9D', 'rsa-2048', block)).toHaveLength(256);
      expect(await card.signPrepared('9D', 'rsa-2048', block)).toHaveLength(256);
    });
  });

  it('forgets the PIN when it is reset', async () => {
    await withCard((card) => card.verifyPin(sample.transportPin));
    await withCard(async (card) => expect(await card.pinTries()).toBe(5));
  });

  it('counts a wrong PIN down, gives the tries back after a right one, and never for a malformed one', async () => {
    await withCard(async (card) => {
      expect(await card.verifyPin('000000')).toEqual({ ok: false, triesLeft: 4 });
      expect(await card.changePin('000000', '111111')).toEqual({ ok: false, triesLeft: 3 });
      await expect(card.verifyPin('12345')).rejects.toMatchObject({ code: 'pinFormat' });
    });
    await withCard(async (card) => {
      expect(await card.pinTries()).toBe(3);
      expect(await card.verifyPin(sample.transportPin)).toEqual({ ok: true });
      expect(await card.pinTries()).toBeUndefined();
    });
  });

  it('has taken the try off before it compares: pulled out at a wrong PIN, the try is gone', async () => {
    const connection = await store.open(NUMBER);
    const card = await PivCard.select(connection);
    connection.pullAfter(0x20);
    await expect(card.verifyPin('999999')).rejects.toMatchObject({ code: 'cardRemoved' });
    await withCard(async (again) => {
      expect(await again.pinTries()).toBe(4);
      await again.verifyPin(sample.transportPin);
    });
  });

  it('does the same for the PUK, by which a holder’s PIN could be replaced', async () => {
    const connection = await store.open(NUMBER);
    const card = await PivCard.select(connection);
    connection.pullAfter(0x2c);
    await expect(card.resetPin('99999999', '111111')).rejects.toMatchObject({ code: 'cardRemoved' });
    await withCard(async (again) => {
      expect(await again.metadata('puk')).toMatchObject({ tries: { max: 3, left: 2 } });
      expect(await again.resetPin(sample.puk, sample.transportPin)).toEqual({ ok: true });
    });
  });

  it('pulled out after CHANGE was sent, holds the new PIN although nobody heard so', async () => {
    await sampleCard(store, OTHER);
    const connection = await store.open(OTHER);
    const card = await PivCard.select(connection);
    connection.pullAfter(0x24);
    await expect(card.changePin('24681357', 'Ab1!xy')).rejects.toMatchObject({ code: 'cardRemoved' });
    await expect(card.pinTries()).rejects.toMatchObject({ code: 'cardRemoved' });
    await withCard(async (again) => expect(await again.verifyPin('Ab1!xy')).toEqual({ ok: true }), OTHER);
  });

  it('drops an interrupted chain', async () => {
    const connection = await store.open(NUMBER);
    const send = async (hex: string) => (await connection.transmit(Buffer.from(hex, 'hex'))).toString('hex');
    await PivCard.select(connection);
    expect(await send('1087119e037c2482')).toBe('9000');
    expect(await send('00200080')).toBe('63c5');
    expect(await send('0087119e02812000')).toBe('6a80');
    await connection.close();
  });

  it('answers nonsense with a status word and goes on', async () => {
    const connection = await store.open(NUMBER);
    const send = async (hex: string) => (await connection.transmit(Buffer.from(hex, 'hex'))).toString('hex');
    expect(await send('00200080')).toBe('6d00'); // before SELECT
    await PivCard.select(connection);
    for (const [apdu, sw] of [
      ['', '6700'],
      ['0087', '6700'],
      ['0020008008313233', '6700'],
      ['8020008000', '6e00'],
      ['00c0000000', '6985'],
      ['00cb3fff025c7f00', '6a80'],
      ['0087119e037c8181', '6a80'],
      ['0087079e037c8181', '6a86'],
      ['00a4040005a00000000100', '6a82'],
      ['0024008003313233', '6a80'],
    ] as const) {
      expect(`${apdu} ${await send(apdu)}`).toBe(`${apdu} ${sw}`);
    }
    expect(await send('00200080')).toBe('63c5');
    await connection.close();
  });

  it('lets nobody read a PIN out of its file, nor anyone else the file', () => {
    const file = join(dir, `${NUMBER}.card.json`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    for (const pin of [sample.transportPin, FACTORY_PIN]) {
      expect(text).not.toContain(pin);
      expect(text).not.toContain(Buffer.from(pin.padEnd(8, '\xff'), 'latin1').toString('base64'));
    }
  });

  it('is not hurt by what a killed writer left behind', async () => {
    const number = 'EC00000000000003';
    await sampleCard(store, number);
    const pins = ['24681357', '11111111'];
    for (const written of [0, 100, 3_000]) {
      // What a killed writer leaves: part of the next state under its other name.
      const file = join(dir, `${number}.card.json`);
      writeFileSync(`${file}.next`, readFileSync(file).subarray(0, written));
      await withCard(async (card) => {
        const [old = '', next = ''] = pins;
        expect(await card.changePin(old, next)).toEqual({ ok: true });
      }, number);
      pins.reverse();
    }
    expect(readdirSync(dir).filter((name) => name.endsWith('.next'))).toEqual([]);
  });
});

function opensslAgrees(message: Buffer, signature: Buffer, certificate: Buffer): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-openssl-'));
  const path = (name: string, contents: string | Buffer) => {
    writeFileSync(join(dir, name), contents);
    return join(dir, name);
  };
  const key = new X509Certificate(certificate).publicKey.export({ format: 'pem', type: 'spki' });
  const args = ['dgst', '-sha256', '-verify', path('key.pem', key), '-signature', path('signature', signature)];
  const child = spawn('openssl', [...args, path('message', message)]);
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.on('error', reject);
    child.on('close', () => {
      rmSync(dir, { recursive: true });
      resolve(out.trim());
    });
  });
}
