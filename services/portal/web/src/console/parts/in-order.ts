import { asProblem, type Problem } from '../../api/problem.js';
import type { AskPage } from './use-pages.js';

/** How far each of several lists was read. */
export interface Place<T> {
  /** Where the next page of a list begins, by the list; one that has ended is not here. */
  from: ReadonlyMap<number, string | number | undefined>;
  /** Read, but something older may still come from another list. */
  held: readonly Found<T>[];
  /** Why a list is left out: its service does not answer. */
  missing?: Problem | undefined;
}

interface Found<T> {
  list: number;
  at: string;
  item: T;
}

/**
 * Several lists, each oldest first and a page at a time, as one that is oldest first. What is given out is never followed by
 * something older, whichever list it is in. A list that cannot be had is left out, and said to be missing: what waits elsewhere
 * can be decided all the same.
 *
 * @param timeOf RFC 3339, UTC
 * @throws Problem when none of them can be had
 */
export function inOrder<T>(lists: readonly AskPage<T>[], timeOf: (item: T) => string): AskPage<T, Place<T>> {
  const start: Place<T> = { from: new Map(lists.map((_, list) => [list, undefined])), held: [] };
  return async (place = start, signal) => {
    const from = new Map(place.from);
    const found = [...place.held];
    const wanted = [...from].filter(([list]) => !place.held.some((one) => one.list === list));
    const pages = await Promise.allSettled(wanted.map(([list, after]) => lists[list]!(after, signal)));
    let { missing } = place;
    for (const [nth, answer] of pages.entries()) {
      const [list] = wanted[nth]!;
      if (answer.status === 'rejected') {
        missing ??= asProblem(answer.reason);
        from.delete(list);
        continue;
      }
      const page = answer.value;
      found.push(...page.items.map((item) => ({ list, at: timeOf(item), item })));
      if (page.next === undefined || page.next === null) from.delete(list);
      else from.set(list, page.next);
    }
    if (missing && pages.every(({ status }) => status === 'rejected') && found.length === 0) throw missing;
    found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    // Behind the last that a list has shown so far, it may have anything.
    const known = [...from.keys()].map((list) => found.findLast((one) => one.list === list)?.at ?? '');
    const isNext = ({ at }: Found<T>) => known.every((last) => at <= last);
    const held = found.filter((one) => !isNext(one));
    return {
      items: found.filter(isNext).map(({ item }) => item),
      next: from.size > 0 || held.length > 0 ? { from, held, missing } : null,
      missing,
    };
  };
}
