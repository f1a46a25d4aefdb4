import { useCallback, useEffect, useState } from 'react';
import { agentStatus, type AgentStatus } from './agent.js';

const LOOK_EVERY_MS = 2_000;

/** What agent, reader and card are like now, looked at again and again while `watching` and while the page is seen. */
export function useAgent(watching: boolean): { status: AgentStatus | undefined; look: () => void } {
  const [status, setStatus] = useState<AgentStatus>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!watching) return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      if (document.visibilityState === 'visible') {
        const found = await agentStatus(stop.signal).catch(() => undefined);
        if (stop.signal.aborted) return;
        if (found) setStatus((known) => (isSame(known, found) ? known : found));
      }
      timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [watching, round]);
  const look = useCallback(() => setRound((n) => n + 1), []);
  return { status, look };
}

const isSame = (a: AgentStatus | undefined, b: AgentStatus) => JSON.stringify(a) === JSON.stringify(b);
