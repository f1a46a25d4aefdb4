import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import * as taiwan from './index.js';
import {
  branchName,
  certificateEmail,
  companyName,
  COUNTIES,
  county,
  email,
  isPin,
  normaliseName,
  parseRocDate,
  pin,
  rocDate,
  rocDateUpTo,
  toRoc,
  userCode,
} from './index.js';

const { roc } = JSON.parse(readFileSync(new URL('./taiwan.vectors.json', import.meta.url), 'utf8')) as {
  roc: { valid: Record<string, string>; invalid: string[] };
};
const refuses = (schema: z.ZodType, value: unknown) => !schema.safeParse(value).success;
const messages = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues.map((i) => i.message);

describe('ROC dates', () => {
  it.each(Object.entries(roc.valid))('%s is %s', (compact, iso) => expect(rocDate.parse(compact)).toBe(iso));

  it.each([...roc.invalid, '０７６０２２１', '76-02-21', '10760221', ' 0760221'])('"%s" is refused', (compact) => {
    expect(parseRocDate(compact)).toBeUndefined();
    expect(refuses(rocDate, compact)).toBe(true);
  });

  it('reads the three boxes', () => {
    expect(rocDate.parse({ year: 113, month: 2, day: 29 })).toBe('2024-02-29');
    for (const boxes of [
      { year: 112, month: 2, day: 29 },
      { year: 0, month: 1, day: 1 },
      { year: 76, month: 13, day: 1 },
      { year: 76, month: 0, day: 1 },
      { year: 76, month: 1, day: 0 },
      { year: 76.5, month: 1, day: 1 },
      { year: NaN, month: 1, day: 1 },
      { year: '76', month: 1, day: 1 },
      { year: 76, month: 1 },
    ]) {
      expect(refuses(rocDate, boxes)).toBe(true);
    }
  });

  it('refuses a birth date after the given day', () => {
    const birthDate = rocDateUpTo(() => '2026-05-25');
    expect(birthDate.parse('1150525')).toBe('2026-05-25');
    expect(messages(birthDate, '1150526')).toEqual(['this date is in the future']);
  });

  it('writes and reads every day of ROC years 1 to 200 alike', () => {
    const days = fc.date({ min: new Date('1912-01-01'), max: new Date('2111-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(days, (date) => {
        const iso = date.toISOString().slice(0, 10);
        const [, year, month, day] = /^民國(\d+)年(\d+)月(\d+)日$/.exec(toRoc(iso))!.map(Number);
        const two = (n: number) => String(n).padStart(2, '0');
        expect(parseRocDate({ year: year!, month: month!, day: day! })).toBe(iso);
        expect(parseRocDate(`${String(year).padStart(3, '0')}${two(month!)}${two(day!)}`)).toBe(iso);
      }),
    );
    expect(toRoc('1987-02-21')).toBe('民國76年2月21日');
  });

  it.each(['1911-12-31', '2023-02-29', '2023-2-1', ''])('does not write %s', (iso) => {
    expect(() => toRoc(iso)).toThrow(RangeError);
  });
});

describe('user code', () => {
  it.each(['abc123', 'Kaika#2026', '!"#$%&', '~~~~~~~~~~'])('takes %s as it is', (code) => {
    expect(userCode.parse(code)).toBe(code);
  });

  it.each(['abc12', 'abcdefghijk', 'abc 123', ' abc123', 'abc123\n', 'ａｂｃ１２３', 'abcdé1', ''])(
    'refuses "%s"',
    (code) => {
      expect(refuses(userCode, code)).toBe(true);
    },
  );

  it('is never repeated in what is said about it', () => {
    const error = userCode.safeParse('s3cret with blanks').error;
    expect(JSON.stringify(error) + String(error) + JSON.stringify(error?.issues)).not.toContain('s3cret');
  });
});

describe('PIN', () => {
  it('follows the characters the card takes', () => {
    expect(pin('digits').parse('123456')).toBe('123456');
    expect(refuses(pin('digits'), 'abc123')).toBe(true);
    expect(pin('ascii').parse('Ab#12345')).toBe('Ab#12345');
    for (const bad of ['12345', '123456789', '12 456', '１２３４５６', '123456\n']) {
      expect(isPin(bad, 'digits') || isPin(bad, 'ascii')).toBe(false);
    }
  });
});

describe('e-mail', () => {
  it('keeps the local part and lower-cases the domain', () => {
    expect(email.parse('  Boss.Lee+tax@Example.COM.tw ')).toBe('Boss.Lee+tax@example.com.tw');
  });

  it('stores an internationalised domain as A-labels, which a certificate can carry', () => {
    expect(email.parse('info@例子.台灣')).toBe('info@xn--fsqu00a.xn--kpry57d');
    expect(certificateEmail('info@例子.台灣')).toBe('info@xn--fsqu00a.xn--kpry57d');
  });

  it('takes a local part outside ASCII, which a certificate leaves out', () => {
    expect(email.parse('王@example.com')).toBe('王@example.com');
    expect(certificateEmail('王@example.com')).toBeUndefined();
  });

  it.each([
    'example.com',
    '@example.com',
    'a@',
    'a@localhost',
    'a@127.0.0.1',
    'a@[127.0.0.1]',
    'a..b@example.com',
    '.a@example.com',
    'a b@example.com',
    'a@exa mple.com',
    'a@example.com\r\nBcc: b@example.com',
    'a@b@example.com',
    '"a b"@example.com',
    'a@-example.com',
    'a@example.com:25',
    'a@example.com/x',
    'ａ@example.com',
    'a@ｅｘａｍｐｌｅ.com',
    'a@example。com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(64)}.com`,
    `a@${'b.'.repeat(130)}com`,
  ])('refuses "%s"', (text) => expect(refuses(email, text)).toBe(true));

  it('gives certificates nothing but one ASCII address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary' })), (text) => {
        const address = certificateEmail(text);
        if (address !== undefined) expect(address).toMatch(/^[\x21-\x7e]+@[a-z0-9.-]+$/);
      }),
    );
  });
});

describe('names', () => {
  it('takes 64 Han characters and refuses 65 by the field’s name, also outside the basic plane', () => {
    for (const han of ['開', '𠮷']) {
      expect(companyName.parse(han.repeat(64))).toBe(han.repeat(64));
      expect(messages(companyName, han.repeat(65))).toEqual([
        'the company name has 65 characters; a certificate takes 64',
      ]);
    }
    expect(messages(branchName, '分'.repeat(65))).toEqual([
      'the branch name has 65 characters; a certificate takes 64',
    ]);
  });

  it('composes (NFC) but never replaces a CJK compatibility ideograph', () => {
    expect(companyName.parse('Cafe\u0301 開卡')).toBe('Café 開卡');
    // U+F9D1 and U+2F804 have NFC forms that are other ideographs.
    expect('\uf9d1'.normalize('NFC')).not.toBe('\uf9d1');
    expect(companyName.parse('e\u0301\uf9d1\u{2f804}e\u0301')).toBe('é\uf9d1\u{2f804}é');
  });

  it('normalises once and for all, and keeps every compatibility ideograph', () => {
    const character = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.integer({ min: 0xf900, max: 0xfaff }).map((c) => String.fromCodePoint(c)),
      fc.integer({ min: 0x2f800, max: 0x2fa1d }).map((c) => String.fromCodePoint(c)),
      fc.constantFrom('e', '\u0301', '\u0323', '가', '\u1100', '\u1161'),
    );
    const compatible = (text: string) => text.match(/[\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu) ?? [];
    fc.assert(
      fc.property(fc.array(character), (characters) => {
        const text = characters.join('');
        const once = normaliseName(text);
        expect(normaliseName(once)).toBe(once);
        expect(compatible(once)).toEqual(compatible(text));
        if (compatible(text).length === 0) expect(once).toBe(text.trim().normalize('NFC'));
      }),
    );
  });

  it.each([
    '',
    '  ',
    'a\u0000b',
    'a\nb',
    'a\u200bb',
    'a\u202eb',
    '\ue000',
    '\u{f0000}',
    '\ud800',
    '\ufffe',
    'a\u2028b',
  ])('refuses %j', (text) => {
    expect(refuses(companyName, text)).toBe(true);
    expect(refuses(branchName, text)).toBe(true);
  });
});

describe('counties', () => {
  it('are the 22, and 台 is taken for 臺', () => {
    expect(new Set(COUNTIES).size).toBe(22);
    for (const name of COUNTIES) expect(county.parse(name)).toBe(name);
    expect(county.parse(' 台北市')).toBe('臺北市');
    for (const bad of ['臺北縣', '北京市', '臺北', '']) expect(refuses(county, bad)).toBe(true);
  });
});

describe('every schema', () => {
  const exported: Record<string, unknown> = {
    ...taiwan,
    pin: pin('digits'),
    birthDate: rocDateUpTo(() => '2026-01-01'),
  };
  const schemas = Object.entries(exported).flatMap(([name, value]): [string, z.ZodType][] =>
    value instanceof z.ZodType ? [[name, value]] : [],
  );

  it.each(schemas)('%s describes itself for OpenAPI', (_, schema) => {
    const json = z.toJSONSchema(schema, { io: 'input' });
    expect(json.description).toBeTruthy();
    for (const example of (json.examples ?? []) as unknown[]) expect(schema.safeParse(example).success).toBe(true);
    expect(z.toJSONSchema(schema)).toBeTruthy();
  });

  it.each(schemas)('%s says in English what a wrong type should have been', (_, schema) => {
    for (const value of [undefined, null, 1, {}, []]) {
      for (const message of messages(schema, value)!) expect(message).not.toMatch(/^Invalid input/);
    }
  });
});
