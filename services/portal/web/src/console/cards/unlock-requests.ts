import { answerOf } from '../../api/client.js';
import { api } from '../api.js';

export const askUnlockRequests = async (cardNumber: string, signal: AbortSignal) => {
  const query = { cardNumber, limit: 200 };
  return (await answerOf(api.GET('/api/v1/unlock-requests', { params: { query }, signal }))).items;
};
export type UnlockRequest = Awaited<ReturnType<typeof askUnlockRequests>>[number];

/** What may be done about unlocking a card: with an approval at the reader, else somebody asks for one, or decides. */
export async function askUnlockState(cardNumber: string, signal: AbortSignal) {
  const [requests, evidence] = await Promise.all([
    askUnlockRequests(cardNumber, signal),
    answerOf(api.GET('/api/v1/cards/{n}/evidence', { params: { path: { n: cardNumber } }, signal })),
  ]);
  const unlockedAt = evidence.items.findLast(({ act }) => act === 'complete-unlock')?.at ?? '';
  return {
    open: requests.findLast(({ state }) => state === 'open'),
    /** That still serves, and was not used up by an unlocking. */
    approved: requests.findLast(({ isUsable, decidedAt }) => isUsable && (decidedAt ?? '') > unlockedAt),
  };
}
