import { useCallback, useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../../api/problem.js';

/** A part of a list, and where the next begins: nothing when it was the last. */
export interface PageOf<T, C = string | number> {
  items: T[];
  next?: C | null;
  /** Why something that belongs here is not here. */
  missing?: Problem | undefined;
}
export type AskPage<T, C = string | number> = (after: C | undefined, signal: AbortSignal) => Promise<PageOf<T, C>>;

/**
 * A list that comes a page at a time.
 *
 * @param ask  memoised; asked anew when it changes
 */
export function usePages<T, C = string | number>(ask: AskPage<T, C>) {
  const [items, setItems] = useState<T[]>();
  const [next, setNext] = useState<C>();
  const [problem, setProblem] = useState<Problem>();
  const [missing, setMissing] = useState<Problem>();
  const [round, setRound] = useState(0);
  const shown = useRef<AbortController>(undefined);
  const isAsking = useRef(false);

  useEffect(() => {
    const stop = new AbortController();
    shown.current = stop;
    ask(undefined, stop.signal).then(
      (page) => {
        if (stop.signal.aborted) return;
        setItems(page.items);
        setNext(() => page.next ?? undefined);
        setProblem(undefined);
        setMissing(page.missing);
      },
      (error: unknown) => !stop.signal.aborted && setProblem(asProblem(error)),
    );
    return () => stop.abort();
  }, [ask, round]);

  /** Pressed twice, the next page comes once; of a list that was asked for anew, none comes behind it. */
  const more = useCallback(() => {
    const { signal } = shown.current!;
    if (isAsking.current) return;
    isAsking.current = true;
    ask(next, signal)
      .then(
        (page) => {
          if (signal.aborted) return;
          setItems((before) => [...(before ?? []), ...page.items]);
          setNext(() => page.next ?? undefined);
          setProblem(undefined);
          setMissing(page.missing);
        },
        (error: unknown) => !signal.aborted && setProblem(asProblem(error)),
      )
      .finally(() => (isAsking.current = false));
  }, [ask, next]);
  const again = useCallback(() => setRound((n) => n + 1), []);
  return { items, problem, missing, more: next === undefined ? undefined : more, again };
}
