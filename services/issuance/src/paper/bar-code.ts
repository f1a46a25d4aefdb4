import * as bwip from 'bwip-js/node';

// The named export `raw` is the symbology of that name; the function is in the default export, which its types leave out.
const { raw } = (
  bwip as unknown as { default: { raw: (symbol: { bcid: string; text: string }) => { sbs: number[] }[] } }
).default;

/** A bar: where it begins and how wide it is, in modules. */
export interface Bar {
  readonly at: number;
  readonly modules: number;
}

/** Blank modules that a scanner needs on either side (ISO/IEC 15417 §4.4). */
export const QUIET_MODULES = 10;

/** A text as Code 128, without the quiet zones. @returns its bars and the width of all, in modules */
export function code128(text: string): { bars: Bar[]; modules: number } {
  // Widths of bars and spaces by turns, a bar first.
  const [symbol] = raw({ bcid: 'code128', text });
  let at = 0;
  const bars: Bar[] = [];
  for (const [i, modules] of symbol!.sbs.entries()) {
    if (i % 2 === 0) bars.push({ at, modules });
    at += modules;
  }
  return { bars, modules: at };
}
