import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { buildCcc, buildChuid, cardUuidOf, certificateIn, certificateObject } from './objects.js';
import { findTlv, parseTlvs, requireTlv, tlv } from './tlv.js';

const UUID = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';

describe('data objects', () => {
  it('gives a CHUID the card’s UUID and last day, and a FASC-N that begins with agency code 9999', () => {
    const chuid = buildChuid(UUID, new Date('2031-11-21T15:59:59Z'));
    const fascN = requireTlv(chuid, 0x30);
    expect(fascN).toHaveLength(25);
    expect(fascN.subarray(0, 3).toString('hex')).toBe('d4e739');
    expect((fascN[3] ?? 0) | 0x7f).toBe(0xff); // OpenSC looks at this bit too
    expect(requireTlv(chuid, 0x35).toString()).toBe('20311121');
    expect(parseTlvs(chuid).map(({ tag }) => tag)).toEqual([0x30, 0x34, 0x35, 0x3e, 0xfe]);
    expect(cardUuidOf(chuid)).toBe(UUID);
  });

  it('writes a FASC-N of odd parity whose check character makes every column even', () => {
    const bits = BigInt(`0x${requireTlv(buildChuid(UUID, new Date(0)), 0x30).toString('hex')}`)
      .toString(2)
      .padStart(200, '0');
    const characters = bits.match(/.{5}/g) ?? [];
    expect(characters).toHaveLength(40);
    for (const character of characters) expect(character.replaceAll('0', '').length % 2).toBe(1);
    expect(characters.reduce((sum, character) => sum ^ (parseInt(character, 2) >> 1), 0)).toBe(0);
  });

  it('writes every mandatory element of a CCC, only the data model with a value', () => {
    const elements = parseTlvs(buildCcc());
    expect(elements).toHaveLength(13);
    expect(elements.filter(({ value }) => value.length > 0)).toEqual([{ tag: 0xf5, value: Buffer.of(0x10) }]);
  });

  it('reads a certificate it wrote, and one that another tool compressed', () => {
    const der = Buffer.from('30820100'.padEnd(600, 'ab'), 'hex');
    expect(certificateIn(certificateObject(der))).toEqual(der);
    expect(findTlv(certificateObject(der), 0xfe)).toHaveLength(0);
    expect(certificateIn(Buffer.concat([tlv(0x70, gzipSync(der)), tlv(0x71, Buffer.of(1))]))).toEqual(der);
  });

  it('does not let a few octets expand to millions, and names what cannot be expanded', () => {
    for (const stored of [gzipSync(Buffer.alloc(1_000_000)), Buffer.from('no gzip')]) {
      const object = Buffer.concat([tlv(0x70, stored), tlv(0x71, Buffer.of(1))]);
      expect(() => certificateIn(object)).toThrow(expect.objectContaining({ code: 'cardCommunication' }));
    }
  });
});
