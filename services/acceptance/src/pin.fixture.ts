import { pinResetMessage } from '#libs/piv';
import { type AcceptanceBench, type Answer, USER_CODE } from './acceptance.fixture.js';
import type { Holder, Started, Steps } from './holder.fixture.js';

export const PIN = '13579246';
export const NEW_PIN = '86420975';

export type Pressed = Answer & { session: Started };

/** Opens a card of way A, to the end. */
export async function activate(bench: AcceptanceBench, holder: Holder, pin = PIN): Promise<void> {
  await finishPin(bench, holder, await bench.press(holder), pin);
}

/** The holder's PIN in the place of the transport PIN, and the second signature. */
export async function finishPin(bench: AcceptanceBench, holder: Holder, { session, body }: Pressed, pin = PIN) {
  const { transportPin } = await holder.openJob(body.pinJob, session.id, bench.jobKey, bench.clock.now());
  const changed = await holder.changePin(transportPin, pin);
  if (!changed.ok) throw new Error('the card refused the transport PIN');
  const answer = await bench.complete(session, await holder.confirm(pin, session, body.nonce));
  if (answer.status !== 200) throw new Error(`completing answered ${answer.status}`);
}

/** Begin, prove, resume. */
export async function pressResume(bench: AcceptanceBench, holder: Holder, userCode = USER_CODE): Promise<Pressed> {
  const session = await bench.begin(holder.sample.cardNumber, 'A');
  const body = { proof: await holder.prove(session, { purpose: 'resume-session' }), userCode };
  return { session, ...(await bench.post(`/${session.id}/resumption`, body)) };
}

/** Begin, prove, release. */
export async function pressReset(
  bench: AcceptanceBench,
  holder: Holder,
  codes: { userCode?: string; emailCode?: string } = {},
): Promise<Pressed> {
  const { cardNumber } = holder.sample;
  const session = (await bench.call('POST', '/pin-resets', { cardNumber })).body as unknown as Started;
  const proof = await holder.prove(session, { purpose: 'pin-reset' });
  const body = { proof, userCode: USER_CODE, ...codes };
  return { session, ...(await bench.call('POST', `/pin-resets/${session.id}/release`, body)) };
}

/** From the mail that was asked for last. */
export async function mailedCode(bench: AcceptanceBench, holder: Holder): Promise<string> {
  const requested = (await bench.events('one-time-code.requested', holder)).at(-1)!;
  return (await bench.unseal('one-time-code.requested', requested)).code;
}

/** What the agent does with a job to reset the PIN, and the card's word for it. @returns PUKs that were wrong */
export async function playReset(
  bench: AcceptanceBench,
  holder: Holder,
  { session, body }: Pressed,
  { pin = NEW_PIN, steps }: { pin?: string; steps?: Steps } = {},
): Promise<{ wrong: number; signature: string }> {
  const job = await holder.openAny(body.job, session.id, bench.jobKey, bench.clock.now());
  if (job.kind !== 'reset-pin') throw new Error(`a job to ${job.kind}`);
  const wrong = await holder.usePuks(job, job.oneUsePin, steps);
  const change = () => holder.changePin(job.oneUsePin, pin);
  await (steps ? steps.take(change) : change());
  return { wrong, signature: await holder.confirm(pin, session, body.nonce, undefined, pinResetMessage) };
}

export const completeReset = (bench: AcceptanceBench, { session }: Pressed, signature: string) =>
  bench.call('POST', `/pin-resets/${session.id}/completion`, { signature });

/** Two officers agree that a card is unlocked. @returns id of the request */
export async function approveUnlock(bench: AcceptanceBench, { sample: { cardNumber } }: Holder): Promise<string> {
  const ground = { ground: 'letter 12' };
  const asked = await bench.officer('POST', `/cards/${cardNumber}/unlock-requests`, ground, 'anna', 'ca-operator');
  const id = String(asked.body.id);
  const approved = await bench.officer('POST', `/unlock-requests/${id}/approval`, {}, 'ben');
  if (approved.status !== 200) throw new Error(`approving answered ${approved.status}`);
  return id;
}

/** Start, prove, release, at the centre. */
export async function pressUnlock(bench: AcceptanceBench, holder: Holder, request: string): Promise<Pressed> {
  const started = await bench.officer('POST', '/unlocks', { request });
  if (started.status !== 201) return { session: started.body as unknown as Started, ...started };
  const session = started.body as unknown as Started;
  const proof = await holder.prove(session, { purpose: 'unlock' });
  return { session, ...(await bench.officer('POST', `/unlocks/${session.id}/release`, { proof })) };
}

/** What the centre's agent does with the job. @returns PUKs that were wrong, and 9E's word for it */
export async function playUnlock(bench: AcceptanceBench, holder: Holder, { session, body }: Pressed, steps?: Steps) {
  const job = await holder.openAny(body.job, session.id, bench.jobKey, bench.clock.now());
  if (job.kind !== 'unlock') throw new Error(`a job to ${job.kind}`);
  const wrong = await holder.usePuks(job, job.transportPin, steps);
  const readBack = await holder.verifyPin(job.transportPin);
  if (!readBack.ok) throw new Error('the card refused its new transport PIN');
  return { wrong, signature: await holder.confirmUnlock(session, body.nonce) };
}

export const completeUnlock = (bench: AcceptanceBench, { session }: Pressed, signature: string) =>
  bench.officer('POST', `/unlocks/${session.id}/completion`, { signature });

/** Request, approval, proof, job, end. */
export async function unlock(bench: AcceptanceBench, holder: Holder): Promise<Answer> {
  const pressed = await pressUnlock(bench, holder, await approveUnlock(bench, holder));
  const { signature } = await playUnlock(bench, holder, pressed);
  return completeUnlock(bench, pressed, signature);
}
