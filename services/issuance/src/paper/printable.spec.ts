import { describe, expect, it } from '@jest/globals';
import { paperFont } from './paper-font.js';
import { printable } from './printable.js';

const { has } = paperFont();

describe('what can be printed', () => {
  it.each(['開卡示範股份有限公司', '堃喆峯瑠犇', 'Kaika & Co., Ltd.', '（）、。：□〔〕…＿', '０１２ＡＢ'])(
    'is left as it is: %s',
    (text) => {
      expect(printable(text, has)).toEqual({ text, complete: true });
    },
  );

  it('names by its code point what the font lacks, and leaves out what only chooses a shape', () => {
    expect(printable('𠮷野家', has)).toEqual({ text: '〔U+20BB7〕野家', complete: false });
    expect(printable('葛\u{E0100}城', has)).toEqual({ text: '葛城', complete: true });
    expect(printable('', has)).toEqual({ text: '', complete: true });
  });

  it('covers every character of Big5 that people have names of', () => {
    const big5 = new TextDecoder('big5');
    const lacking: string[] = [];
    // Levels 1 and 2: A440–C67E and C940–F9D5.
    for (const [from, to] of [
      [0xa440, 0xc67e],
      [0xc940, 0xf9d5],
    ] as const) {
      // prettier-ignore
      for (let code = from; code <= to; code += 1) {
        const low = code & 0xff;
        if (low < 0x40 || (low > 0x7e && low < 0xa1) || low > 0xfe) continue;
        const character = big5.decode(Uint8Array.of(code >> 8, low));
        if (!has(character.codePointAt(0)!)) lacking.push(character);
      }
    }
    expect(lacking).toEqual([]);
  });
});
