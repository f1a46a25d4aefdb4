/**
 * Upper-cases a–z only. `String.prototype.toUpperCase` would turn ſ into S and ı into I, and so let characters through
 * that nobody sees are not ASCII.
 */
export function asciiUpperCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/**
 * Folds full-width ASCII (U+FF01–FF5E) and the ideographic blank (U+3000) to ASCII, for pages; the API refuses these
 * characters. Half-width kana and everything else stay as they are.
 */
export function foldFullWidth(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replace(/\u3000/g, ' ');
}
