import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CaError } from '#libs/errors';
import { type CardConnection } from './connection.js';
import { cryptBlock, type ManagementAlgorithm, managementBlockBytes } from './management-key.js';
import { certificateObject, OBJECT } from './objects.js';
import { PivCard } from './piv-card.js';
import { tlv } from './tlv.js';

const YUBIKEY = '61114f0600001000010079074f05a0000003089000';
const KEY = Buffer.alloc(24, 7);

/** Everything the host asks a card. What a hostile card makes of it may be a wrong result; never another kind of error. */
const ASKED: Record<string, (card: PivCard) => Promise<unknown>> = {
  readCertificate: (card) => card.readCertificate('9C'),
  readObject: (card) => card.readObject(OBJECT.CCC),
  chuid: (card) => card.chuid(),
  discovery: (card) => card.discovery(),
  pinTries: (card) => card.pinTries(),
  verifyPin: (card) => card.verifyPin('123456'),
  changePin: (card) => card.changePin('123456', '654321'),
  resetPin: (card) => card.resetPin('12345678', '654321'),
  changePuk: (card) => card.changePuk('12345678', '87654321'),
  setInitialPin: (card) => card.setInitialPin('24681357'),
  setInitialPuk: (card) => card.setInitialPuk('24681357'),
  metadata: (card) => card.metadata('9C'),
  managementAlgorithm: (card) => card.managementAlgorithm(),
  authenticateManagement: (card) => card.authenticateManagement(KEY),
  setManagementKey: (card) => card.setManagementKey(KEY),
  generateRsa: (card) => card.generateKey('9C', 'rsa-2048'),
  generateEc: (card) => card.generateKey('9E', 'p-256'),
  putObject: (card) => card.putObject(OBJECT.CCC, Buffer.alloc(700)),
  sign: (card) => card.sign('9E', Buffer.from('a message')),
  signPrepared: (card) => card.signPrepared('9C', 'rsa-2048', Buffer.alloc(256)),
};

/** Answers SELECT as a YubiKey does, then these in turn; the last for ever. */
function selected(answers: (Uint8Array | string)[], first: Uint8Array | string = YUBIKEY): Promise<PivCard> {
  const all = [first, ...answers].map((answer) => (typeof answer === 'string' ? Buffer.from(answer, 'hex') : answer));
  let next = 0;
  const connection: CardConnection = {
    transmit: () => Promise.resolve(Buffer.from(all[Math.min(next++, all.length - 1)]!)),
    close: () => Promise.resolve(),
  };
  return PivCard.select(connection, 1_000);
}

const ok = (...elements: Uint8Array[]) => Buffer.concat([...elements, Buffer.from('9000', 'hex')]);
/** A whole answer in parts of 255, as a card sends it. */
function inParts(answer: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < answer.length; at += 255) parts.push(answer.subarray(at, at + 255));
  return parts.map((part, i) => Buffer.concat([part, Buffer.from(i + 1 < parts.length ? '61ff' : '9000', 'hex')]));
}
const named = (error: unknown) => expect(error).toBeInstanceOf(CaError);

describe('a hostile card', () => {
  it.each(Object.keys(ASKED))('answering %s with anything at all gets a named error or a result', async (name) => {
    const sw = fc.constantFrom(
      '9000',
      '6982',
      '6a80',
      '6a82',
      '6100',
      '61ff',
      '6c00',
      '6c10',
      '63c0',
      '63cf',
      '6983',
      '',
    );
    const tagged = fc
      .tuple(
        fc.constantFrom(0x53, 0x7c, 0x7e, 0x7f49, 0x70, 0x80, 0x81, 0x82, 0x86, 0x06),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([tag, value]) => tlv(tag, value));
    const nested = fc.tuple(fc.constantFrom(0x53, 0x7c, 0x7f49), tagged).map(([tag, value]) => tlv(tag, value));
    const answer = fc
      .tuple(fc.oneof(fc.uint8Array({ maxLength: 300 }), tagged, nested), sw)
      .map(([data, word]) => Buffer.concat([data, Buffer.from(word, 'hex')]));
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
        const card = await selected(answers);
        await ASKED[name]!(card).catch(named);
      }),
      { numRuns: 100 },
    );
  });

  it('answering SELECT with anything at all is a card of another kind, or does not answer as expected', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (data) => {
        await selected([], ok(data)).catch((error: unknown) => {
          named(error);
          expect(['unknownCardKind', 'cardCommunication']).toContain((error as CaError).code);
        });
      }),
    );
  });

  it('whose objects end anywhere, or say they are longer, is named', async () => {
    const chuid = Buffer.concat([tlv(0x30, Buffer.alloc(25)), tlv(0x34, Buffer.alloc(16)), tlv(0xfe)]);
    for (let length = 0; length < chuid.length - 2; length += 1) {
      const cut = (await selected([ok(tlv(0x53, chuid.subarray(0, length)))])).chuid();
      if (length === 0) expect(await cut).toBeUndefined();
      else if (length < 45) await expect(cut).rejects.toMatchObject({ code: 'cardCommunication' });
    }
    for (const length of ['8100', '82ffff', '83ffffff', '84ffffffff', '80', '7f']) {
      const card = await selected([`53${length}${'00'.repeat(9)}9000`]);
      await expect(card.chuid()).rejects.toMatchObject({ code: 'cardCommunication' });
    }
    for (const guid of [0, 15, 17]) {
      const card = await selected([ok(tlv(0x53, tlv(0x34, Buffer.alloc(guid))))]);
      await expect(card.chuid()).rejects.toMatchObject({ code: 'cardCommunication' });
    }
  });

  it('with a certificate that is none, or that would fill the memory, is named', async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const twice = gzipSync(gzipSync(Buffer.alloc(100)));
    const objects = [
      ...[Buffer.alloc(0), Buffer.alloc(1_900), Buffer.from('30820fff', 'hex')].map((der) => certificateObject(der)),
      ...[bomb, twice, Buffer.from('1f8b0800', 'hex')].map((stored) => certificateObject(stored, true)),
      tlv(0x71, Buffer.of(0)), // no certificate in it at all
    ];
    for (const object of objects) {
      const card = await selected(inParts(tlv(0x53, object)));
      await expect(card.readCertificate('9C')).rejects.toMatchObject({ code: 'cardCommunication' });
      const signer = await selected(inParts(tlv(0x53, object)));
      await expect(signer.sign('9C', Buffer.from('x'))).rejects.toMatchObject({ code: 'cardCommunication' });
    }
  });

  it('that never ends its answer is left alone', async () => {
    for (const part of ['6100', '00'.repeat(255) + '61ff', '016101']) {
      for (const name of ['readCertificate', 'metadata', 'verifyPin'] as const) {
        await expect(ASKED[name]!(await selected([part]))).rejects.toMatchObject({ code: 'cardCommunication' });
      }
    }
  });

  it('with a key that is none is named: a point off the curve, a short modulus, an exponent of nothing', async () => {
    const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
    const ec = [
      point,
      point.subarray(1),
      Buffer.concat([point, Buffer.of(0)]),
      Buffer.concat([Buffer.of(2), Buffer.alloc(32)]),
    ];
    for (const value of [...ec, Buffer.alloc(0)]) {
      const card = await selected([ok(tlv(0x7f49, tlv(0x86, value)))]);
      await expect(card.generateKey('9E', 'p-256')).rejects.toMatchObject({ code: 'cardCommunication' });
    }
    const modulus = Buffer.alloc(256, 0xc5);
    const rsa: [Buffer, Buffer][] = [
      [modulus.subarray(1), Buffer.of(1, 0, 1)],
      [Buffer.alloc(0), Buffer.of(1, 0, 1)],
      [Buffer.alloc(256), Buffer.of(1, 0, 1)],
    ];
    for (const [n, e] of rsa) {
      const card = await selected(inParts(tlv(0x7f49, tlv(0x81, n), tlv(0x82, e))));
      await expect(card.generateKey('9C', 'rsa-2048')).rejects.toMatchObject({ code: 'cardCommunication' });
    }
    const swapped = await selected(inParts(tlv(0x7f49, tlv(0x81, modulus), tlv(0x82, Buffer.of(1, 0, 1)))));
    await expect(swapped.generateKey('9E', 'p-256')).rejects.toMatchObject({ code: 'cardCommunication' });
  });

  it('with a signature of another length than its key’s is named', async () => {
    for (const bytes of [0, 7, 73, 255]) {
      const card = await selected(inParts(tlv(0x7c, tlv(0x82, Buffer.alloc(bytes)))));
      await expect(card.signPrepared('9E', 'p-256', Buffer.alloc(32))).rejects.toMatchObject({
        code: 'cardCommunication',
      });
    }
    const short = await selected(['9000', ...inParts(tlv(0x7c, tlv(0x82, Buffer.alloc(255))))]);
    await expect(short.signPrepared('9C', 'rsa-2048', Buffer.alloc(256))).rejects.toMatchObject({
      code: 'cardCommunication',
    });
  });

  it.each(['3des', 'aes-192'] as const)(
    'that does not know the management key is found out, in %s',
    async (algorithm) => {
      const attempt = async (witness: Buffer, response: Buffer) => {
        const meta = ok(tlv(0x01, Buffer.of(algorithm === '3des' ? 0x03 : 0x0a)));
        const card = await selected([meta, ok(tlv(0x7c, tlv(0x80, witness))), ok(tlv(0x7c, tlv(0x82, response)))]);
        return card.authenticateManagement(KEY);
      };
      const block = (n: number) => Buffer.alloc(managementBlockBytes(algorithm as ManagementAlgorithm), n);
      // It accepts whatever comes and answers with something, with its own witness, or with a cut one.
      for (const [witness, response] of [
        [block(1), block(2)],
        [block(1), block(1)],
        [block(1), cryptBlock('encrypt', algorithm, KEY, block(1))],
        [block(1), block(1).subarray(1)],
        [block(1).subarray(1), block(1)],
        [Buffer.alloc(0), Buffer.alloc(0)],
      ] as const) {
        await expect(attempt(witness, response)).rejects.toMatchObject({ code: 'cardCommunication' });
      }
    },
  );
});
