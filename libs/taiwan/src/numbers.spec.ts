import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  cardNumber,
  cardNumberOrTest,
  checkNationalId,
  foldFullWidth,
  isUbn,
  nationalId,
  parseCardNumber,
  parseSerials,
  serial,
  serials,
  ubn,
} from './index.js';

const vectors = JSON.parse(readFileSync(new URL('./taiwan.vectors.json', import.meta.url), 'utf8')) as {
  nid: { valid: string[]; invalid: string[] };
  arcNew: { valid: string[]; invalid: string[] };
  arcOld: { valid: string[]; invalid: string[] };
  ubnBoth: string[];
  ubnMod5Only: string[];
  ubnInvalid: string[];
  cardNo: { valid: string[]; testOnly: string[]; invalid: string[]; normalise: Record<string, string> };
  serial: { pair: string; single: string[] };
};
const at = new Date('2026-11-22T00:00:00+08:00');
const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));

describe('統一編號', () => {
  it.each([...vectors.ubnBoth, ...vectors.ubnMod5Only])('%s passes', (text) => {
    expect(isUbn(text)).toBe(true);
    expect(ubn.parse(text)).toBe(text);
  });

  it.each([...vectors.ubnInvalid, '', ' 12345675', '12345675 ', '1234567a'])('"%s" is refused', (text) => {
    expect(isUbn(text)).toBe(false);
    expect(ubn.safeParse(text).success).toBe(false);
  });

  it('is refused as a number', () => expect(ubn.safeParse(12345675).success).toBe(false));

  it('catches every change of one digit, unless the seventh is 7 before or after or the digit sum moves by 5', () => {
    const weights = [1, 2, 1, 2, 1, 2, 4, 1];
    const part = (weight: number, digit: number) => Math.floor((weight * digit) / 10) + ((weight * digit) % 10);
    fc.assert(
      fc.property(digits(8).filter(isUbn), fc.nat(7), fc.nat(9), (text, place, digit) => {
        const changed = text.slice(0, place) + String(digit) + text.slice(place + 1);
        const moved = part(weights[place]!, digit) - part(weights[place]!, Number(text[place]));
        fc.pre(text[6] !== '7' && changed[6] !== '7' && moved % 5 !== 0);
        expect(isUbn(changed)).toBe(false);
      }),
    );
  });
});

describe('national ID', () => {
  it.each([...vectors.nid.valid, ...vectors.arcNew.valid, ...vectors.arcOld.valid])('%s is ok', (text) => {
    expect(checkNationalId(text, at)).toBe('ok');
  });

  it.each([...vectors.nid.invalid, ...vectors.arcNew.invalid, ...vectors.arcOld.invalid, '12345678', ''])(
    '"%s" is a warning',
    (text) => expect(checkNationalId(text, at)).toBe('warning'),
  );

  it('takes old resident IDs up to the last moment of 2030 in Taipei', () => {
    expect(checkNationalId('AC01234567', new Date('2030-12-31T15:59:59.999Z'))).toBe('ok');
    expect(checkNationalId('AC01234567', new Date('2030-12-31T16:00:00Z'))).toBe('warning');
    expect(checkNationalId('A800000014', new Date('2031-01-02T00:00:00Z'))).toBe('ok');
  });

  it('warns of every single wrong digit that the weights can tell', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...vectors.nid.valid),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(9),
        (text, i, digit) => {
          const weight = [0, 8, 7, 6, 5, 4, 3, 2, 1, 1][i]!;
          fc.pre((weight * (digit - Number(text[i]))) % 10 !== 0);
          expect(checkNationalId(text.slice(0, i) + String(digit) + text.slice(i + 1), at)).toBe('warning');
        },
      ),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void checkNationalId(text, at)));
  });

  it('is trimmed and upper-cased in a request, with hard limits only', () => {
    expect(nationalId.parse(' a123456789 ')).toBe('A123456789');
    expect(nationalId.parse('12345678')).toBe('12345678');
    expect(nationalId.parse('x'.repeat(20))).toBe('X'.repeat(20));
    for (const bad of ['', '   ', 'x'.repeat(21), 'Ａ123456789', 'ſ12345', 'A1\u0000', '王']) {
      expect(nationalId.safeParse(bad).success).toBe(false);
    }
  });
});

describe('card number', () => {
  it.each(vectors.cardNo.valid)('%s passes', (text) => expect(cardNumber.parse(text)).toBe(text));

  it.each(vectors.cardNo.testOnly)('%s passes in test mode only', (text) => {
    expect(cardNumber.safeParse(text).success).toBe(false);
    expect(cardNumberOrTest.parse(text)).toBe(text);
    expect(parseCardNumber(text)).toBeUndefined();
    expect(parseCardNumber(text, { testMode: true })).toBe(text);
  });

  it.each([...vectors.cardNo.invalid, '', 'ſT00000000000051'])('"%s" is refused', (text) => {
    expect(cardNumberOrTest.safeParse(text).success).toBe(false);
  });

  it.each(Object.entries(vectors.cardNo.normalise))('"%s" is read as %s', (text, normalised) => {
    expect(cardNumber.parse(text)).toBe(normalised);
  });

  it('is found again behind any case and any blanks', () => {
    const letters = fc.stringMatching(/^[A-Za-z]{2}$/);
    fc.assert(
      fc.property(letters, digits(14), fc.nat(16), (prefix, rest, place) => {
        const plain = prefix + rest;
        expect(parseCardNumber(` ${plain.slice(0, place)} ${plain.slice(place)}`)).toBe(plain.toUpperCase());
      }),
    );
  });
});

describe('serials', () => {
  it('reads the pair as the screen shows it, and single ones', () => {
    expect(serials.parse(vectors.serial.pair)).toEqual(vectors.serial.pair.split(' '));
    for (const one of vectors.serial.single) {
      expect(serials.parse(one)).toEqual([one]);
      expect(serial.parse(` ${one.toLowerCase()} `)).toBe(one);
    }
  });

  it.each(['', 'G'.repeat(32), '0'.repeat(31), '0'.repeat(33), '0'.repeat(63), '0'.repeat(96), '０'.repeat(32)])(
    '"%s" is refused',
    (text) => {
      expect(serial.safeParse(text).success).toBe(false);
      expect(serials.safeParse(text).success).toBe(false);
      expect(parseSerials(text)).toBeUndefined();
    },
  );
});

describe('foldFullWidth', () => {
  it('makes what a page was given in full width what the API takes', () => {
    expect(foldFullWidth('９７９６９９３３')).toBe('97969933');
    expect(cardNumber.parse(foldFullWidth('ＴＴ０００００００００　０００５１'))).toBe('TT00000000000051');
    expect(foldFullWidth('開卡ｶｲｶ。Ａ～！')).toBe('開卡ｶｲｶ。A~!');
  });

  it('undoes full-width typing of any printable ASCII', () => {
    const widen = (text: string) =>
      [...text].map((c) => (c === ' ' ? '\u3000' : String.fromCodePoint(c.codePointAt(0)! + 0xfee0))).join('');
    fc.assert(fc.property(fc.stringMatching(/^[\x20-\x7e]*$/), (text) => foldFullWidth(widen(text)) === text));
  });
});
