/** Whether the font of the paper can draw a character. */
export type HasGlyph = (codePoint: number) => boolean;

const VARIATION_SELECTOR = /\p{Variation_Selector}/gu;

/**
 * A text as it can be printed. A character that the font lacks is named by its code point, 〔U+20BB7〕, for a person to
 * write it by hand: an empty box would hide which one it is. Variation selectors choose among shapes of one character and are
 * left out.
 */
export function printable(text: string, has: HasGlyph): { text: string; complete: boolean } {
  let complete = true;
  const characters = [...text.replace(VARIATION_SELECTOR, '')].map((character) => {
    const codePoint = character.codePointAt(0)!;
    if (has(codePoint)) return character;
    complete = false;
    return `〔U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}〕`;
  });
  return { text: characters.join(''), complete };
}
