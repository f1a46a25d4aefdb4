import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERRORS } from '#libs/errors';
import { PAGES } from './page-paths.js';

const WEB = join(import.meta.dirname, '../web/src');
const TEXTS = join(WEB, 'i18n/texts');
type Texts = { [key: string]: string | Texts };

const areas = [...new Set(readdirSync(TEXTS).map((file) => file.split('.')[0]!))];
const read = async (area: string, language: string): Promise<Texts> =>
  ((await import(join(TEXTS, `${area}.${language}.ts`))) as { default: Texts }).default;

const keysOf = (texts: Texts, before = ''): string[] =>
  Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [`${before}${key}`] : keysOf(value, `${before}${key}.`),
  );
const valueOf = (texts: Texts, key: string): unknown =>
  key.split('.').reduce<unknown>((at, part) => (at as Texts | undefined)?.[part], texts);
const placeholders = (text: unknown) => [...String(text).matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();

describe('the texts of the pages', () => {
  it.each(areas)('say the same things in both languages: %s', async (area) => {
    const [zh, en] = [await read(area, 'zh-TW'), await read(area, 'en')];
    expect(keysOf(en).sort()).toEqual(keysOf(zh).sort());
    for (const key of keysOf(zh)) {
      expect({ key, names: placeholders(valueOf(en, key)) }).toEqual({ key, names: placeholders(valueOf(zh, key)) });
      expect({ key, empty: valueOf(zh, key) === '' || valueOf(en, key) === '' }).toEqual({ key, empty: false });
    }
  });

  it('have a sentence for every error there is, and a name for every page', async () => {
    const { codes } = await read('errors', 'zh-TW');
    expect(Object.keys(ERRORS).filter((code) => !(code in (codes as Texts)))).toEqual([]);
    const { pages } = await read('common', 'zh-TW');
    expect(Object.keys(pages as Texts).sort()).toEqual(Object.keys(PAGES).sort());
  });

  it('are there for every key that a page names', async () => {
    const known = new Set<string>();
    for (const area of areas) for (const key of keysOf(await read(area, 'zh-TW'))) known.add(`${area}:${key}`);
    const sources = (readdirSync(WEB, { recursive: true, encoding: 'utf8' }) as string[]).filter(
      (file) => file.endsWith('.tsx') && !file.startsWith('console'),
    );
    const missing = sources.flatMap((file) => {
      const text = readFileSync(join(WEB, file), 'utf8');
      const area = /useTranslation\(\[?'(\w+)'/.exec(text)?.[1] ?? 'common';
      const named = [...text.matchAll(/\bt\('([\w:.-]+)'/g)].map(([, key]) => key!);
      return named
        .map((key) => (key.includes(':') ? key : `${area}:${key}`))
        .filter((key) => !known.has(key))
        .map((key) => `${file} ${key}`);
    });
    expect(missing).toEqual([]);
  });
});
