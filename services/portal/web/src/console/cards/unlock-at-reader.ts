import { prove, readCard, unlock } from '../../agent/agent.js';
import { answerOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import { api } from '../api.js';

/** What the card signed at its end, for the centre: until it has it, the centre does not know the card's new PIN. */
export interface Completion {
  id: string;
  signature: string;
}

export type AtReader = { state: 'done'; completion: Completion } | { state: 'refused' | 'send-in' };

/**
 * 解卡, as docs/PIN.md has it ("Unlocked at the centre"): the card's proof, the job for it, the job in the reader.
 *
 * @param request    that another officer approved
 * @param onReleased told when the job has come: from then on the card may be another
 * @throws Problem of the card and the agent; otherCard; what the centre refuses: cardRevoked, cardExpired, conflict when
 *                 the approval is used up, cardNeedsCentre when the card is defective
 */
export async function unlockAtReader(
  cardNumber: string,
  request: string,
  signal: AbortSignal,
  onReleased: () => void,
): Promise<AtReader> {
  const card = await readCard(signal);
  if (card.cardNumber !== cardNumber) throw new Problem('otherCard');
  const { id, nonce } = await answerOf(api.POST('/api/v1/unlocks', { body: { request }, signal }));
  const proof = await prove({ session: id, nonce, purpose: 'unlock', card }, signal);
  const params = { path: { id } };
  const released = await answerOf(
    api.POST('/api/v1/unlocks/{id}/release', { params, body: { proof } as never, signal }),
  );
  onReleased();
  const { state, signature } = await unlock({ session: id, nonce: released.nonce, job: released.job }, signal);
  if (state !== 'done') return { state };
  return { state, completion: { id, signature: signature! } };
}

/** May be repeated: the answer stays the same. */
export const completeUnlock = ({ id, signature }: Completion, signal: AbortSignal) =>
  answerOf(api.POST('/api/v1/unlocks/{id}/completion', { params: { path: { id } }, body: { signature }, signal }));
