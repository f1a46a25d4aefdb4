import { describe, expect, it } from '@jest/globals';
import { ApduChannel } from './apdu.js';
import { type CardConnection } from './connection.js';

/** A card that expects these commands in this order. Undefined: it never answers. */
function scripted(script: [command: string, answer: string | undefined][]): CardConnection & { left: () => number } {
  const steps = [...script];
  return {
    transmit: (apdu) => {
      const [command, answer] = steps.shift() ?? [];
      expect(Buffer.from(apdu).toString('hex')).toBe(command);
      return answer === undefined ? new Promise<Buffer>(() => undefined) : Promise.resolve(Buffer.from(answer, 'hex'));
    },
    close: () => Promise.resolve(),
    left: () => steps.length,
  };
}

const GET = { ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5c017e', 'hex'), answer: true };

describe('ApduChannel', () => {
  it('collects an answer of several parts', async () => {
    const card = scripted([
      ['00cb3fff035c017e00', 'aabb6102'],
      ['00c0000002', 'ccdd6101'],
      ['00c0000001', 'ee9000'],
    ]);
    expect(await new ApduChannel(card).send(GET)).toEqual({ data: Buffer.from('aabbccddee', 'hex'), sw: 0x9000 });
  });

  it('asks again with the length a T=0 card wants', async () => {
    const card = scripted([
      ['00cb3fff035c017e00', '6c05'],
      ['00cb3fff035c017e05', '0102039000'],
    ]);
    expect((await new ApduChannel(card).send(GET)).data).toEqual(Buffer.from('010203', 'hex'));
  });

  it('chains 256 octets in two links, the first full and without Le', async () => {
    const data = Buffer.alloc(256, 0xab);
    const card = scripted([
      [`10db3fffff${'ab'.repeat(255)}`, '9000'],
      ['00db3fff01ab', '9000'],
    ]);
    expect((await new ApduChannel(card).send({ ins: 0xdb, p1: 0x3f, p2: 0xff, data })).sw).toBe(0x9000);
  });

  it('stops a chain at the link that was refused', async () => {
    const card = scripted([[`10db3fffff${'00'.repeat(255)}`, '6982']]);
    const answer = await new ApduChannel(card).send({ ins: 0xdb, p1: 0x3f, p2: 0xff, data: Buffer.alloc(300) });
    expect(answer.sw).toBe(0x6982);
  });

  it('gives up on a card that does not answer, and never listens to it again', async () => {
    const card = scripted([['00cb3fff035c017e00', undefined]]);
    const channel = new ApduChannel(card, 5);
    await expect(channel.send(GET)).rejects.toMatchObject({ code: 'cardCommunication' });
    await expect(channel.send(GET)).rejects.toMatchObject({ code: 'cardCommunication' });
    expect(card.left()).toBe(0);
  });

  it('takes no answer without a status word, none without end, and no empty promise of more', async () => {
    const endless: CardConnection = {
      transmit: () => Promise.resolve(Buffer.concat([Buffer.alloc(255), Buffer.from('61ff', 'hex')])),
      close: () => Promise.resolve(),
    };
    await expect(new ApduChannel(endless).send(GET)).rejects.toThrow('more than 16384 octets');
    const silent = { ...endless, transmit: () => Promise.resolve(Buffer.from('6100', 'hex')) };
    await expect(new ApduChannel(silent).send(GET)).rejects.toThrow('empty');
    const mute = { ...endless, transmit: () => Promise.resolve(Buffer.of(0x90)) };
    await expect(new ApduChannel(mute).send(GET)).rejects.toThrow('without a status word');
  });

  it('asks for a part again with the length the card wants, once', async () => {
    const card = scripted([
      ['00cb3fff035c017e00', 'aabb6110'],
      ['00c0000010', '6c02'],
      ['00c0000002', 'ccdd9000'],
    ]);
    expect((await new ApduChannel(card).send(GET)).data.toString('hex')).toBe('aabbccdd');
    const neverContent = scripted([
      ['00cb3fff035c017e00', '6c05'],
      ['00cb3fff035c017e05', '6c04'],
    ]);
    expect((await new ApduChannel(neverContent).send(GET)).sw).toBe(0x6c04);
  });

  it('takes no part longer than a short APDU may ask for', async () => {
    const card = scripted([['00cb3fff035c017e00', `${'00'.repeat(257)}9000`]]);
    await expect(new ApduChannel(card).send(GET)).rejects.toThrow('259 octets');
  });

  it('gives up on an answer that goes on and on, however quickly each part comes', async () => {
    let parts = 0;
    const dripping: CardConnection = {
      // One octet every few milliseconds never runs into the limit of one transmit.
      transmit: () => new Promise((resolve) => setTimeout(() => resolve(Buffer.of(++parts & 0xff, 0x61, 0x01)), 5)),
      close: () => Promise.resolve(),
    };
    const channel = new ApduChannel(dripping, 50);
    await expect(channel.send(GET)).rejects.toMatchObject({ code: 'cardCommunication' });
    const before = parts;
    await expect(channel.send(GET)).rejects.toMatchObject({ code: 'cardCommunication' });
    expect(parts - before).toBeLessThanOrEqual(1); // the one that was under way
  });
});
