import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { buildCcc, buildChuid, cardUuidOf, certificateIn, certificateObject } from './objects.js';
import { findTlv, parseTlvs, requireTlv, tlv } from './tlv.js';

/** Self-signed, made by openssl. */
const DER = Buffer.from(
  'MIIBeDCCAR+gAwIBAgIUTNrMieFWIr8NeIzkxKYNSV7S/JYwCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGYSBjYXJkMCAXDTI2MTEy' +
    'MjAxMTIyMFoYDzIwNTYxMTE0MDExMjIwWjARMQ8wDQYDVQQDDAZhIGNhcmQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATr1zS3' +
    '27X2pxw2DWXDEpnWH3ll8Erx7OzsDHV7f6xuF6w8Rbpv6Gx81H9F/CcYI8F07ib5DiIX7/gfCTibPpUso1MwUTAdBgNVHQ4EFgQU' +
    '5Z9/vYMjP+P9kBrzi1+PcIK5S1UwHwYDVR0jBBgwFoAU5Z9/vYMjP+P9kBrzi1+PcIK5S1UwDwYDVR0TAQH/BAUwAwEB/zAKBggq' +
    'hkjOPQQDAgNHADBEAiAYdhkvSKZGXpAH0tcvav0TUeptlC3/kWafW6iP50uJPwIgfkxuvZ4Ra+hnvoo5ID5WtLbyt048wD5ylIEG' +
    'RZqpbB4=',
  'base64',
);
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
    expect(certificateIn(certificateObject(DER))).toEqual(DER);
    expect(findTlv(certificateObject(DER), 0xfe)).toHaveLength(0);
    expect(certificateIn(certificateObject(gzipSync(DER), true))).toEqual(DER);
    expect(certificateIn(tlv(0x70, DER))).toEqual(DER); // without 71, as some tools write it
  });

  it('names what is no certificate, or not just one', () => {
    const pem = `-----BEGIN CERTIFICATE-----\n${DER.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const none = [Buffer.alloc(0), Buffer.from('none'), DER.subarray(0, -1), Buffer.concat([DER, Buffer.of(0)])];
    for (const stored of [...none, Buffer.concat([DER, DER]), Buffer.from(pem)]) {
      expect(() => certificateIn(certificateObject(stored))).toThrow(
        expect.objectContaining({ code: 'cardCommunication' }),
      );
    }
  });

  it('does not let a few octets expand to millions, and names what cannot be expanded', () => {
    for (const stored of [gzipSync(Buffer.alloc(1_000_000)), Buffer.from('no gzip')]) {
      const object = Buffer.concat([tlv(0x70, stored), tlv(0x71, Buffer.of(1))]);
      expect(() => certificateIn(object)).toThrow(expect.objectContaining({ code: 'cardCommunication' }));
    }
  });
});
