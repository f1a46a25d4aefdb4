import fc from 'fast-check';

/**
 * Of more than this many, some are drawn: each one costs a service a score of statements. `KAIKA_INTERLEAVINGS=5000`
 * drives all of every history.
 */
export const ALL_UP_TO = Number(process.env['KAIKA_INTERLEAVINGS'] ?? 40);
/** How many are drawn then. */
const DRAWN = Math.max(24, ALL_UP_TO / 10);
/** For a test that drives them. */
export const PATIENCE_MS = ALL_UP_TO > 100 ? 3_600_000 : 120_000;

/** How many orders there are that keep the order within each stream: (n1 + n2 + …)! / (n1! n2! …). */
export function countInterleavings(lengths: readonly number[]): number {
  let count = 1n;
  let all = 0n;
  for (const length of lengths) {
    for (let nth = 1n; nth <= BigInt(length); nth++) count = (count * ++all) / nth;
  }
  return Number(count);
}

/** All of them, each as the numbers of the streams in turn: `[0, 1, 0]` is the first of stream 0, that of 1, the second of 0. */
export function* interleavings(lengths: readonly number[]): Generator<number[]> {
  if (lengths.every((length) => length === 0)) return yield [];
  for (const [stream, length] of lengths.entries()) {
    if (length === 0) continue;
    for (const rest of interleavings(lengths.with(stream, length - 1))) yield [stream, ...rest];
  }
}

/** One stream entirely before the next: each is first once, with the others after it forwards and backwards. */
export function* oneStreamFirst(lengths: readonly number[]): Generator<number[]> {
  const whole = lengths.flatMap((length, stream) => (length > 0 ? [Array<number>(length).fill(stream)] : []));
  for (const first of whole) {
    const rest = whole.filter((one) => one !== first);
    yield [first, ...rest].flat();
    if (rest.length > 1) yield [first, ...rest.reverse()].flat();
  }
}

/** So many by chance, the same each time, and each stream entirely first. */
export function drawInterleavings(lengths: readonly number[], count: number, seed = 2026): number[][] {
  const sorted = lengths.flatMap((length, stream) => Array<number>(length).fill(stream));
  const drawn = fc.sample(fc.shuffledSubarray(sorted, { minLength: sorted.length }), { numRuns: count, seed });
  const all = [...oneStreamFirst(lengths), ...drawn];
  return [...new Map(all.map((turns) => [turns.join(), turns])).values()];
}

/** Every interleaving if there are not many, else each stream entirely first and some by chance. */
export function chooseInterleavings(lengths: readonly number[], allUpTo = ALL_UP_TO): number[][] {
  return countInterleavings(lengths) <= allUpTo ? [...interleavings(lengths)] : drawInterleavings(lengths, DRAWN);
}

/** What is in the streams, in the order of the turns. */
export function inTurn<T>(streams: readonly (readonly T[])[], turns: readonly number[]): T[] {
  const next = streams.map(() => 0);
  return turns.map((stream) => streams[stream]![next[stream]!++]!);
}
