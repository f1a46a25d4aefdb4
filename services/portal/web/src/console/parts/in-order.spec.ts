import { describe, expect, it } from '@jest/globals';
import { inOrder, type Place } from './in-order.js';
import type { AskPage } from './use-pages.js';

const { signal } = new AbortController();

/** A list of moments that comes `size` at a time. */
function listOf(moments: string[], size: number, asked: (string | number | undefined)[] = []): AskPage<string> {
  return async (after = 0) => {
    asked.push(after);
    const end = Number(after) + size;
    return { items: moments.slice(Number(after), end), next: end < moments.length ? end : null };
  };
}

async function readAll(ask: AskPage<string, Place<string>>): Promise<string[][]> {
  const pages: string[][] = [];
  for (let place: Place<string> | undefined; ;) {
    const { items, next } = await ask(place, signal);
    pages.push(items);
    if (!next) return pages;
    place = next;
  }
}

describe('several lists as one', () => {
  it('gives everything once and the oldest first, however the lists are cut into pages', async () => {
    const moments = Array.from({ length: 40 }, (_, n) => `2026-01-${String((n % 28) + 1).padStart(2, '0')}T${n}`);
    for (const sizes of [
      [1, 7],
      [3, 2],
      [40, 1],
      [5, 5],
    ] as const) {
      const lists = [0, 1].map((which) => moments.filter((_, n) => n % 3 === which).sort());
      lists.push(moments.filter((_, n) => n % 3 === 2).sort());
      const all = (
        await readAll(
          inOrder(
            lists.map((list, n) => listOf(list, sizes[n % 2]!)),
            String,
          ),
        )
      ).flat();
      expect(all).toEqual([...moments].sort());
    }
  });

  it('holds back what something older may still come before, and asks no list before it needs more of it', async () => {
    const [few, many] = [[], []] as number[][];
    const ask = inOrder(
      [listOf(['a', 'z'], 2, few as never[]), listOf(['b', 'c', 'd', 'e'], 2, many as never[])],
      String,
    );
    expect(await readAll(ask)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'z'],
    ]);
    expect({ few, many }).toEqual({ few: [0], many: [0, 2] });
  });

  it('ends at once when there is nothing', async () => {
    expect(await readAll(inOrder([listOf([], 2), listOf([], 2)], String))).toEqual([[]]);
  });

  it('leaves out a list that cannot be had and says so on every page; of none at all it says why', async () => {
    const away: AskPage<string> = () => Promise.reject(new TypeError('away'));
    const ask = inOrder([listOf(['a', 'c', 'd'], 2), away], String);
    const first = await ask(undefined, signal);
    expect(first).toMatchObject({ items: ['a', 'c'], missing: { code: 'offline' } });
    const last = await ask(first.next!, signal);
    expect(last).toMatchObject({ items: ['d'], next: null, missing: { code: 'offline' } });
    expect((await inOrder([listOf([], 2), away], String)(undefined, signal)).missing).toMatchObject({
      code: 'offline',
    });
    await expect(inOrder([away, away], String)(undefined, signal)).rejects.toMatchObject({ code: 'offline' });
  });
});
