import { describe, expect, it } from '@jest/globals';
import { chooseInterleavings, countInterleavings, drawInterleavings, interleavings, inTurn } from './interleavings.js';

const streams = [['a', 'b'], ['1', '2', '3'], ['x']];
const lengths = streams.map(({ length }) => length);

describe('interleavings', () => {
  it('are all there are, each once, and keep the order within each stream', () => {
    const all = [...interleavings(lengths)].map((turns) => inTurn(streams, turns));
    expect(all).toHaveLength(60);
    expect(countInterleavings(lengths)).toBe(60);
    expect(new Set(all.map(String)).size).toBe(60);
    for (const order of all) {
      for (const stream of streams) expect(order.filter((one) => stream.includes(one))).toEqual(stream);
    }
  });

  it('that are drawn are interleavings, and each stream is entirely first in some', () => {
    const all = new Set([...interleavings(lengths)].map(String));
    const drawn = drawInterleavings(lengths, 30);
    for (const turns of drawn) expect(all).toContain(String(turns));
    const texts = drawn.map((turns) => inTurn(streams, turns).join(''));
    expect(texts).toEqual(expect.arrayContaining(['ab123x', 'abx123', '123abx', '123xab', 'xab123', 'x123ab']));
    expect(drawn.length).toBeGreaterThan(15);
  });

  it('are drawn where there are too many', () => {
    expect(chooseInterleavings([2, 3, 1], 60)).toHaveLength(60);
    expect(chooseInterleavings([2, 3, 1], 59).length).toBeLessThan(50);
  });
});
