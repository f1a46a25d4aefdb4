import { useCallback, useEffect, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem.js';

interface PageOf<T> {
  items: T[];
  next?: string | number | null;
}

/**
 * A list that comes a page at a time.
 *
 * @param ask  memoised; asked anew when it changes
 */
export function usePages<T>(ask: (after: string | number | undefined, signal: AbortSignal) => Promise<PageOf<T>>) {
  const [items, setItems] = useState<T[]>();
  const [next, setNext] = useState<string | number>();
  const [problem, setProblem] = useState<Problem>();
  const [round, setRound] = useState(0);

  useEffect(() => {
    const stop = new AbortController();
    ask(undefined, stop.signal).then(
      (page) => {
        if (stop.signal.aborted) return;
        setItems(page.items);
        setNext(page.next ?? undefined);
        setProblem(undefined);
      },
      (error: unknown) => !stop.signal.aborted && setProblem(asProblem(error)),
    );
    return () => stop.abort();
  }, [ask, round]);

  const more = useCallback(() => {
    ask(next, new AbortController().signal).then(
      (page) => {
        setItems((before) => [...(before ?? []), ...page.items]);
        setNext(page.next ?? undefined);
      },
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, [ask, next]);
  const again = useCallback(() => setRound((n) => n + 1), []);
  return { items, problem, more: next === undefined ? undefined : more, again };
}
