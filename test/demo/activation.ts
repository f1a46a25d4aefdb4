import { ask, type Answer } from './http.js';
import type { Address } from './instance.js';

/** What the holder knows: the user code, and for way B who the responsible person is, until a user code is set. */
export interface Person {
  way: 'A' | 'B';
  userCode: string;
  pin: string;
  representative?: { nationalId: string; birthDate: string };
  email?: string;
}
type Holder = Person & { cardNumber: string };

/**
 * What the portal and the person at a kiosk do, from "insert the card" to the second signature. When anything on the
 * way is refused because the session is over, the whole of it starts again, as a person would (CARDS.md §3).
 */
export async function activate(address: Address, holder: Holder): Promise<{ state?: unknown; refusal?: Answer }> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await once(address, holder);
    const startOver =
      outcome.refusal &&
      ['sessionExpired', 'jobRefused', 'proofRefused'].some((code) => outcome.refusal!.body.type?.endsWith(code));
    const tryAgain = startOver || outcome.lost;
    if (!tryAgain || attempt === 10) return outcome;
  }
}

async function once({ url, agentUrl }: Address, holder: Holder): Promise<Outcome> {
  const { cardNumber, pin } = holder;
  const portal = (method: string, path: string, json?: unknown) =>
    ask(method, `${url}/api/v1${path}`, json === undefined ? {} : { json });
  const agent = (method: string, path: string, json?: unknown) =>
    ask(method, `${agentUrl}${path}`, {
      headers: { origin: url, 'x-kaika-agent': '1' },
      ...(json !== undefined && { json }),
    });

  await agent('PUT', '/virtual/reader', { cardNumber });
  const card = await agent('POST', '/v1/card', {});
  if (card.status >= 400) return { refusal: card };

  const session = await portal('POST', '/activations', { cardNumber, way: holder.way });
  const { id, nonce } = session.body;
  const proof = await agent('POST', '/v1/proofs', { session: id, nonce, purpose: 'accept' });
  if (proof.status >= 400) return { refusal: proof };

  const accepted = await portal('POST', `/activations/${String(id)}/acceptance`, {
    proof: proof.body,
    ...personal(holder),
  });
  if (accepted.status >= 400) return { refusal: accepted };

  const pinSession = await agent('POST', '/v1/pin-sessions', {
    session: id,
    job: accepted.body['pinJob'],
    nonce: accepted.body['nonce'],
  });
  // The agent keeps its half of the session in memory only: after a kill, start again with a new proof.
  if (pinSession.status >= 400) return { refusal: pinSession, lost: true };
  const page = String(pinSession.body['url']);
  await ask('POST', page, { form: { newPin: pin, confirmPin: pin }, headers: { origin: agentUrl } });
  const done = await agent('GET', `/v1/pin-sessions/${String(pinSession.body['id'])}`);
  if (done.body['state'] !== 'done') return { refusal: done, lost: true };

  const completion = await portal('POST', `/activations/${String(id)}/completion`, {
    signature: done.body['signature'],
  });
  return completion.status < 400 ? { state: completion.body['state'] } : { refusal: completion, lost: true };
}

interface Outcome {
  state?: unknown;
  refusal?: Answer;
  /** The centre has accepted, and what follows got lost: begin again. */
  lost?: boolean;
}

export function personal({ way, userCode, representative, email }: Holder) {
  return way === 'A' ? { userCode } : { ...representative, email, newUserCode: userCode, newUserCodeAgain: userCode };
}
