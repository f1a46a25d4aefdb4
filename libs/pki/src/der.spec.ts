import { describe, expect, it } from '@jest/globals';
import { Integer, ObjectIdentifier, fromBER } from 'asn1js';
import fc from 'fast-check';
import { integer, namedBits, oid, printable, setOf, time, tlv, utf8 } from './der.js';
import { assertDer, DerReader } from './der-reader.js';

describe('the DER encoder', () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 16_777_216])('writes %i octets with a minimal length', (size) => {
    const encoded = tlv(0x04, Buffer.alloc(size));
    expect(() => assertDer(encoded)).not.toThrow();
    expect(new DerReader(encoded).content(0x04)).toHaveLength(size);
    expect(fromBER(encoded).offset).toBe(encoded.length);
  });

  it('writes every whole number as asn1js does', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }), (value) => {
        const encoded = integer(value);
        expect(encoded).toEqual(Buffer.from(Integer.fromBigInt(value).toBER()));
        expect(new DerReader(encoded).integer()).toBe(value);
      }),
    );
    expect(() => integer(-1)).toThrow(RangeError);
  });

  it('writes identifiers as asn1js does, also in the 2.999 arc', () => {
    const arc = fc.nat({ max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.constantFrom('1.3', '2.5', '2.39', '2.16'), fc.array(arc, { maxLength: 8 }), (start, rest) => {
        const dotted = [start, ...rest].join('.');
        expect(oid(dotted)).toEqual(Buffer.from(new ObjectIdentifier({ value: dotted }).toBER()));
      }),
    );
    expect(oid('2.999.3').toString('hex')).toBe('0603883703'); // X.690 §8.19.5
    for (const wrong of ['', '1', '3.1', '1.40', '1.02', '1..2', 'x']) expect(() => oid(wrong)).toThrow(TypeError);
  });

  it('leaves trailing zero bits of named bits out', () => {
    expect(namedBits([0]).toString('hex')).toBe('03020780');
    expect(namedBits([2, 3]).toString('hex')).toBe('03020430');
    expect(namedBits([5, 6]).toString('hex')).toBe('03020106');
    expect(namedBits([8]).toString('hex')).toBe('0303070080');
  });

  it('sorts a SET OF', () => {
    expect(setOf(utf8('b'), utf8('a')).toString('hex')).toBe('31060c01610c0162');
  });

  it('refuses text a PrintableString cannot hold', () => {
    expect(() => printable('a_b')).toThrow(TypeError);
    expect(() => printable('公司')).toThrow(TypeError);
    expect(() => printable('')).toThrow(TypeError);
  });

  it('changes from UTCTime to GeneralizedTime with the year 2050', () => {
    expect(time(new Date('2049-12-31T23:59:59Z')).toString('latin1')).toBe('\x17\x0d491231235959Z');
    expect(time(new Date('2050-01-01T00:00:00Z')).toString('latin1')).toBe('\x18\x0f20500101000000Z');
    expect(time(new Date('1950-01-01T00:00:00Z')).toString('latin1')).toBe('\x17\x0d500101000000Z');
    for (const wrong of ['1949-12-31T23:59:59Z', '2026-01-01T00:00:00.001Z', 'never']) {
      expect(() => time(new Date(wrong))).toThrow(RangeError);
    }
  });

  it('writes every second as the second reader reads it', () => {
    const seconds = fc.integer({ min: -631_152_000, max: 4_102_444_800 });
    fc.assert(
      fc.property(seconds, (second) => {
        const at = new Date(second * 1_000);
        expect(new DerReader(time(at)).time()).toEqual(at);
      }),
    );
  });
});

describe('the strict reader', () => {
  const reading = (hex: string) => () => assertDer(Buffer.from(hex, 'hex'));

  it('refuses lengths that are indefinite, padded, too long, or followed by more', () => {
    expect(reading('3080')).toThrow('indefinite');
    expect(reading(`308103${'020100'}`)).toThrow('longer than it need be');
    expect(reading(`04820080${'00'.repeat(128)}`)).toThrow('longer than it need be');
    expect(reading('3003020200')).toThrow('longer than what holds it');
    expect(reading('050000')).toThrow('behind the end');
    expect(reading('30')).toThrow('ends too early');
    expect(reading('1f8101')).toThrow('more than one octet');
  });

  it('refuses numbers and flags DER writes otherwise', () => {
    const read = (hex: string) => new DerReader(Buffer.from(hex, 'hex'));
    expect(() => read('0200').integer()).toThrow('empty');
    expect(() => read('020180').integer()).toThrow('negative');
    expect(() => read('0202007f').integer()).toThrow('longer than it need be');
    expect(read('02020080').integer()).toBe(128n);
    expect(() => read('010101').flag()).toThrow('BOOLEAN');
    expect(() => read('010100').flag()).toThrow('BOOLEAN');
  });

  it('refuses times without Z, with fractions, of days there are not, or of the wrong type', () => {
    const read = (tag: string, text: string) => () => {
      const bytes = Buffer.from(text, 'latin1');
      return new DerReader(Buffer.concat([Buffer.from(tag, 'hex'), Buffer.of(bytes.length), bytes])).time();
    };
    expect(read('17', '261121000000Z')()).toEqual(new Date('2026-11-21T00:00:00Z'));
    expect(read('17', '2611210000Z')).toThrow('not a time');
    expect(read('17', '261121000000+0800')).toThrow('not a time');
    expect(read('17', '260229000000Z')).toThrow('there is not');
    expect(read('17', '261121240000Z')).toThrow('there is not');
    expect(read('17', '261121006000Z')).toThrow('there is not');
    expect(read('17', '26112100000 Z')).toThrow('not a time');
    expect(read('18', '20491231235959Z')).toThrow('before 2050');
    expect(read('18', '20500101000000.5Z')).toThrow('not a time');
  });
});
