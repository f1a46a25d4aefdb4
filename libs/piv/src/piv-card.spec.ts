import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type CardConnection } from './connection.js';
import { PivCard } from './piv-card.js';
import { YUBIKEY } from './profile.js';
import { requireTlv } from './tlv.js';

const SELECTED = `61144f0ba0000003080000100001007905${'4f03a00000'}9000`;

/** Answers SELECT, then these, in turn. */
function card(...answers: string[]): Promise<PivCard> {
  const left = [SELECTED, ...answers];
  const connection: CardConnection = {
    transmit: () => Promise.resolve(Buffer.from(left.shift() ?? '6f00', 'hex')),
    close: () => Promise.resolve(),
  };
  return PivCard.select(connection);
}

describe('PivCard', () => {
  it('names a card without PIV', async () => {
    for (const answer of ['6a82', '9000', '6d00']) {
      const connection = {
        transmit: () => Promise.resolve(Buffer.from(answer, 'hex')),
        close: () => Promise.resolve(),
      };
      await expect(PivCard.select(connection)).rejects.toMatchObject({ code: 'unknownCardKind' });
    }
  });

  it('tells an absent or emptied object from a failure', async () => {
    expect(await (await card('6a82')).readCertificate('9C')).toBeUndefined();
    expect(await (await card('53009000')).readCertificate('9C')).toBeUndefined();
    await expect((await card('6982')).readCertificate('9C')).rejects.toMatchObject({
      code: 'cardCommunication',
      params: { sw: '6982' },
    });
  });

  it.each([
    ['63c3', 3],
    ['63c0', 0],
    ['6983', 0],
    ['9000', undefined],
  ])('reads %s as the tries left', async (answer, tries) => {
    expect(await (await card(answer)).pinTries()).toBe(tries);
  });

  it.each([
    ['63c2', { ok: false, triesLeft: 2 }],
    ['63c0', { ok: false, triesLeft: 0 }],
    ['6983', { ok: false, triesLeft: 0 }],
    ['9000', { ok: true }],
  ])('reads %s as the answer to a PIN', async (answer, result) => {
    expect(await (await card(answer)).verifyPin('123456')).toEqual(result);
    expect(await (await card(answer)).changePin('123456', '654321')).toEqual(result);
  });

  it('throws a named error, never the PIN, when a card refuses a PIN’s form or anything else', async () => {
    await expect((await card('6a80')).verifyPin('123456')).rejects.toMatchObject({ code: 'pinFormat' });
    await expect((await card('6581')).verifyPin('123456')).rejects.toMatchObject({
      code: 'cardCommunication',
      message: expect.not.stringContaining('123456'),
    });
  });

  it('names a blocked card and a wrong PIN in personalisation', async () => {
    await expect((await card('6983')).setInitialPin('12345678')).rejects.toMatchObject({ code: 'cardBlocked' });
    await expect((await card('63c2')).setInitialPin('12345678')).rejects.toMatchObject({
      code: 'pinRefused',
      params: { triesLeft: 2 },
    });
  });

  it('refuses a certificate that does not fit before it writes anything', async () => {
    await expect((await card()).putCertificate('9C', Buffer.alloc(1_857))).rejects.toMatchObject({
      code: 'certificateTooLarge',
      params: { maxCertBytes: 1_856 },
    });
  });

  it('stores a certificate compressed where it fits only so and the card allows it', async () => {
    const sent: Buffer[] = [];
    const connection: CardConnection = {
      transmit: (apdu) => {
        sent.push(Buffer.from(apdu));
        const answer = apdu[1] === 0xa4 ? '61114f0600001000010079074f05a0000003089000' : '9000';
        return Promise.resolve(Buffer.from(answer, 'hex'));
      },
      close: () => Promise.resolve(),
    };
    const card = await PivCard.select(connection);
    expect(card.profile).toBe(YUBIKEY);
    const der = Buffer.alloc(4_000, 'a certificate that repeats itself ');
    await card.putCertificate('9C', der);
    const object = Buffer.concat(sent.slice(1).map((apdu) => apdu.subarray(5, 5 + apdu[4]!)));
    const value = requireTlv(object, 0x53);
    expect(requireTlv(value, 0x71)).toEqual(Buffer.of(1));
    expect(gunzipSync(requireTlv(value, 0x70))).toEqual(der);
    await expect(card.putCertificate('9C', randomBytes(3_053))).rejects.toMatchObject({ code: 'certificateTooLarge' });
  });
});
