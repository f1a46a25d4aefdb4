import { describe, expect, it } from '@jest/globals';
import { RelativeDistinguishedNames } from 'pkijs';
import { checkName, encodeName, normalizeName, type Name } from './names.js';

const han = (characters: number) => '開'.repeat(characters);
const refusal = (field: keyof Name) =>
  expect.objectContaining({ code: 'subjectInvalid', params: expect.objectContaining({ field }) });

function problemOf(name: Name): unknown {
  try {
    checkName(name);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('a distinguished name', () => {
  it('is read back by pkijs in the order C, L, O, OU, CN, serialNumber, whatever order it was given in', () => {
    const der = encodeName({ serialNumber: '04595257', CN: 'x', OU: '分公司', O: '公司', L: '臺北市', C: 'TW' });
    const read = RelativeDistinguishedNames.fromBER(der).typesAndValues;
    expect(read.map(({ type, value }) => [type, value.idBlock.tagNumber, value.valueBlock.value])).toEqual([
      ['2.5.4.6', 19, 'TW'],
      ['2.5.4.7', 12, '臺北市'],
      ['2.5.4.10', 12, '公司'],
      ['2.5.4.11', 12, '分公司'],
      ['2.5.4.3', 12, 'x'],
      ['2.5.4.5', 19, '04595257'],
    ]);
  });

  it('takes 64 Han characters in O and OU, 128 in L, and refuses one more by the name of the field', () => {
    expect(problemOf({ O: han(64), OU: han(64), L: han(128) })).toBeUndefined();
    expect(problemOf({ O: han(65) })).toEqual(refusal('O'));
    expect(problemOf({ OU: han(65) })).toEqual(refusal('OU'));
    expect(problemOf({ L: han(129) })).toEqual(refusal('L'));
  });

  it('counts characters outside the basic plane once', () => {
    expect(problemOf({ O: '𠮷'.repeat(64) })).toBeUndefined();
    expect(problemOf({ O: '𠮷'.repeat(65) })).toEqual(refusal('O'));
  });

  it.each([
    ['a private-use character', '公\uE000司'],
    ['a private-use character of plane 15', '公\u{F0000}司'],
    ['a control', '公\u0007司'],
    ['a line break', '公\n司'],
    ['a line separator', '公\u2028司'],
    ['text that runs backwards', '公\u202E司'],
    ['an invisible blank', '公\u200B司'],
    ['half a character', '公\uD800司'],
    ['nothing', ''],
    ['blanks only', '  '],
    ['a blank at its end', '公司 '],
  ])('refuses %s', (_, text) => {
    expect(problemOf({ O: text })).toEqual(refusal('O'));
  });

  it('refuses a country that is not two capital letters and a serial number that is not printable', () => {
    for (const C of ['tw', 'TWN', 'T', '臺灣']) expect(problemOf({ C })).toEqual(refusal('C'));
    expect(problemOf({ serialNumber: '統編' })).toEqual(refusal('serialNumber'));
  });
});

describe('normalizeName', () => {
  it('composes letters but keeps compatibility ideographs as they are', () => {
    const compatibility = '\uF9D1'; // NFC would make it 六
    expect('e\u0301'.normalize('NFC')).toBe('é');
    expect(normalizeName(`Cafe\u0301${compatibility}e\u0301`)).toBe(`Café${compatibility}é`);
    expect(normalizeName('\u{2F800}丽')).toBe('\u{2F800}丽');
    expect(compatibility.normalize('NFC')).not.toBe(compatibility);
  });
});
