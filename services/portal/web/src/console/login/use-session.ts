import { useSyncExternalStore } from 'react';
import { type Caller, currentSession, onSession, type Session } from './session.js';

export const useSession = (): Session => useSyncExternalStore(onSession, currentSession);

/** Of pages that are shown only to somebody who has signed in. */
export function useCaller(): Caller {
  const session = useSession();
  if (session.state !== 'open') throw new Error('nobody has signed in');
  return session.caller;
}
