import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { findTlv, parseTlvs, requireTlv, tlv } from './tlv.js';

describe('tlv', () => {
  it('reads back whatever it wrote', () => {
    const tag = fc.constantFrom(0x70, 0x53, 0x7f49, 0x5f2f, 0x5fff01);
    fc.assert(
      fc.property(fc.array(fc.tuple(tag, fc.uint8Array({ maxLength: 400 }))), (elements) => {
        const encoded = Buffer.concat(elements.map(([t, value]) => tlv(t, value)));
        expect(parseTlvs(encoded).map(({ tag, value }) => [tag, new Uint8Array(value)])).toEqual(elements);
      }),
    );
  });

  it('writes lengths as short as they can be', () => {
    expect(tlv(0x70, Buffer.alloc(127)).subarray(0, 2).toString('hex')).toBe('707f');
    expect(tlv(0x70, Buffer.alloc(128)).subarray(0, 3).toString('hex')).toBe('708180');
    expect(tlv(0x70, Buffer.alloc(256)).subarray(0, 4).toString('hex')).toBe('70820100');
  });

  it('throws nothing but a named error at any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
        try {
          parseTlvs(octets);
        } catch (error) {
          expect(error).toMatchObject({ code: 'cardCommunication' });
        }
      }),
    );
  });

  it('refuses what is cut short, of indefinite length or of an endless tag', () => {
    for (const hex of ['70', '7005aa', '7080aa0000', '7f', '7fffffff00', '5c8201', '7084']) {
      expect(() => parseTlvs(Buffer.from(hex, 'hex'))).toThrow(expect.objectContaining({ code: 'cardCommunication' }));
    }
  });

  it('finds an element, and says which one is missing', () => {
    const both = Buffer.concat([tlv(0x71, Buffer.of(0)), tlv(0x7f49, Buffer.of(1))]);
    expect(findTlv(both, 0x7f49)).toEqual(Buffer.of(1));
    expect(findTlv(both, 0x70)).toBeUndefined();
    expect(() => requireTlv(both, 0x70)).toThrow('lacks the element 70');
  });
});
