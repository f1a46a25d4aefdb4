import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { create, type Font } from 'fontkit';

const FILE = '@expo-google-fonts/noto-sans-tc/400Regular/NotoSansTC_400Regular.ttf';
let read: { readonly bytes: Buffer; has(codePoint: number): boolean } | undefined;

/** Noto Sans TC, whole (TrueType, 7 MB), of which what is used is embedded; and which characters it has. Read once. */
export function paperFont(): NonNullable<typeof read> {
  if (read) return read;
  const bytes = readFileSync(createRequire(import.meta.url).resolve(FILE));
  const font = create(bytes) as Font;
  read = { bytes, has: (codePoint) => font.hasGlyphForCodePoint(codePoint) };
  return read;
}
