import { type EntityManager, In, IsNull, Not } from 'typeorm';
import { UnlockSession } from './unlock-session.entity.js';

/** Under one approval: the second is for the first one's loss. */
export const MOST_JOBS_A_REQUEST = 2;

/** unlocked: the card was unlocked under it · no-job-left: its jobs came to no end that was seen. */
export type UsedUp = 'unlocked' | 'no-job-left';

/** Of these requests those that serve no further job, by id. */
export async function usedUpAmong(manager: EntityManager, requests: string[]): Promise<Map<string, UsedUp>> {
  const found = new Map<string, UsedUp>();
  if (requests.length === 0) return found;
  const sessions = await manager.findBy(UnlockSession, { request: In(requests), releasedAt: Not(IsNull()) });
  for (const request of requests) {
    const its = sessions.filter((session) => session.request === request);
    if (its.some(({ completedAt }) => completedAt)) found.set(request, 'unlocked');
    else if (its.length >= MOST_JOBS_A_REQUEST) found.set(request, 'no-job-left');
  }
  return found;
}
