/** Code 39 (ISO/IEC 16388): nine elements a character, three of them wide; bars and spaces by turns, a bar first. */
const CODE_39: Record<string, string> = {
  '0': 'nnnwwnwnn', '1': 'wnnwnnnnw', '2': 'nnwwnnnnw', '3': 'wnwwnnnnn', '4': 'nnnwwnnnw', '5': 'wnnwwnnnn',
  '6': 'nnwwwnnnn', '7': 'nnnwnnwnw', '8': 'wnnwnnwnn', '9': 'nnwwnnwnn', K: 'wnnnnnnww', R: 'wnnnnnwwn', '*': 'nwnnwnwnn',
}; // prettier-ignore
const WIDE = 3;
const QUIET = 10;

/** A case number as a bar code that any scanner reads; drawn here, as nothing is loaded from elsewhere. */
export function Barcode({ text }: { text: string }) {
  let x = QUIET;
  const bars: { x: number; width: number }[] = [];
  for (const character of `*${text}*`) {
    const elements = CODE_39[character];
    if (!elements) return null;
    [...elements].forEach((element, index) => {
      const width = element === 'w' ? WIDE : 1;
      if (index % 2 === 0) bars.push({ x, width });
      x += width;
    });
    x += 1;
  }
  return (
    <svg className="barcode" viewBox={`0 0 ${x + QUIET} 50`} role="img" aria-label={text} preserveAspectRatio="none">
      {bars.map((bar) => (
        <rect key={bar.x} x={bar.x} y="2" width={bar.width} height="46" />
      ))}
    </svg>
  );
}
