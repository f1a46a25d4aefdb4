import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PivCard, type Slot } from '#libs/piv';
import { FAMILY_NAMES } from './families.js';
import { sampleCard } from './sample-card.js';
import { VirtualCardStore } from './virtual-card-store.js';

const SELECT = '00a404000ba000000308000010000100';

/** Commands as nobody should send them: right ones with a byte changed, cut, joined, and noise. */
const apdus = (() => {
  const known = [
    ...[SELECT, '00cb3fff055c035fc10a00', '0020008008313131313131ffff', '00200080', '0020ff80', '00c0000000'],
    ...['0024008010313233343536ffff373635343332ffff', '002c0080103132333435363738313131323232ffff'],
    ...['0047009e05ac0380011100', '00db3fff0a5c035fc1055303700100', '10db3fff055c035fc107', '0087119e267c248200812000'],
    ...[
      '00870a9b047c02800000',
      '00870a9b047c02810000',
      '00870a9b287c26801000',
      '00fffffF1b0a9b18',
      '00fa0303',
      '00fb0000',
    ],
    ...['00f7008000', '00f7009b00', '00fd000000', '00f8000000', '00a40400'],
  ].map((hex) => Buffer.from(hex, 'hex'));
  const mutated = fc
    .tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255), fc.nat(40), fc.boolean())
    .map(([apdu, at, octet, cut, shorten]) => {
      const changed = Buffer.from(apdu);
      changed[at % changed.length] = octet;
      return shorten ? changed.subarray(0, cut) : Buffer.concat([changed, Buffer.alloc(cut % 3)]);
    });
  return fc.oneof({ weight: 4, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) });
})();

describe.each(FAMILY_NAMES)('a virtual card like %s, under a barrage', (family) => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  const store = new VirtualCardStore(dir);
  afterAll(() => rmSync(dir, { recursive: true }));

  it('answers everything, lets nothing be written or signed, and gives no tries away', async () => {
    const sample = await sampleCard(store, 'EC00000000000001', { family, pinTries: 15, puk: '86420975' });
    const certificates: [Slot, Buffer][] = [
      ['9C', sample.signatureCertificate],
      ['9D', sample.encryptionCertificate],
      ['9E', sample.cardCertificate],
    ];
    let before = 15;
    await fc.assert(
      fc.asyncProperty(fc.array(apdus, { maxLength: 12 }), async (commands) => {
        const connection = await store.open(sample.cardNumber);
        await connection.transmit(Buffer.from(SELECT, 'hex'));
        for (const apdu of commands) {
          const answer = await connection.transmit(apdu);
          expect(answer.length).toBeGreaterThanOrEqual(2);
          expect(answer.length).toBeLessThanOrEqual(258);
          expect(answer.includes(sample.managementKey)).toBe(false);
          expect(answer.includes(sample.transportPin)).toBe(false);
        }
        const card = await PivCard.select(connection);
        await expect(card.putObject(0x5fc107, Buffer.of(1))).rejects.toMatchObject({ params: { sw: '6982' } });
        await expect(card.signPrepared('9C', 'p-256', Buffer.alloc(32))).rejects.toMatchObject({
          params: { sw: '6982' },
        });
        for (const [slot, certificate] of certificates) expect(await card.readCertificate(slot)).toEqual(certificate);
        const left = (await card.pinTries()) ?? 15;
        expect(left).toBeLessThanOrEqual(before);
        before = left;
        await connection.close();
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });
});
