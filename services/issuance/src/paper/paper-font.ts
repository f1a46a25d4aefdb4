import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { create, type Font } from 'fontkit';

const FILE = '@expo-google-fonts/noto-sans-tc/400Regular/NotoSansTC_400Regular.ttf';
let read: { readonly font: Font; has(codePoint: number): boolean } | undefined;

/** Noto Sans TC, whole (TrueType, 7 MB), of which what is used is embedded; and which characters it has. Read once. */
export function paperFont(): NonNullable<typeof read> {
  if (read) return read;
  const font = create(readFileSync(createRequire(import.meta.url).resolve(FILE))) as Font;
  read = { font, has: (codePoint) => font.hasGlyphForCodePoint(codePoint) };
  return read;
}
