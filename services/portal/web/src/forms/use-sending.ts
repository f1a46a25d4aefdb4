import { useCallback, useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../api/problem.js';

/**
 * One thing at a time: what is pressed while something is under way is not done again, and leaving the page gives up.
 */
export function useSending() {
  const running = useRef<AbortController>(undefined);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => () => running.current?.abort(), []);

  const send = useCallback(async (work: (signal: AbortSignal) => Promise<void>): Promise<Problem | undefined> => {
    if (running.current) return undefined;
    const own = new AbortController();
    running.current = own;
    setBusy(true);
    setProblem(undefined);
    try {
      await work(own.signal);
      return undefined;
    } catch (error) {
      const found = asProblem(error);
      setProblem(found);
      return found;
    } finally {
      running.current = undefined;
      setBusy(false);
    }
  }, []);
  const cancel = useCallback(() => running.current?.abort(), []);
  const clear = useCallback(() => setProblem(undefined), []);
  return { busy, problem, send, cancel, clear };
}
