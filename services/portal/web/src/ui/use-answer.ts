import { useCallback, useEffect, useState } from 'react';
import { asProblem, type Problem } from '../api/problem.js';

/** What a page asks for when it opens. */
export interface Answer<T> {
  data?: T;
  problem?: Problem;
  /** Asks anew, with nothing to show until there is an answer. */
  again: () => void;
  /** Asks anew; what is there stays until there is an answer, and where there is none. */
  refresh: () => void;
}

/** @param ask made once a page (a constant outside of the component, or memoised) */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [state, setState] = useState<{ data?: T; problem?: Problem }>({});
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    ask(stop.signal).then(
      (data) => !stop.signal.aborted && setState({ data }),
      (error: unknown) => !stop.signal.aborted && setState((before) => ({ ...before, problem: asProblem(error) })),
    );
    return () => stop.abort();
  }, [ask, round]);
  const again = useCallback(() => {
    setState({});
    setRound((n) => n + 1);
  }, []);
  const refresh = useCallback(() => setRound((n) => n + 1), []);
  return { ...state, again, refresh };
}
