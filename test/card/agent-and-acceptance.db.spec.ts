import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Agent, startAgent } from '../../services/card-agent/src/agent.fixture.js';
import { USER_CODE, withAcceptance } from '../../services/acceptance/src/acceptance.fixture.js';
import { type Holder, ORIGIN } from '../../services/acceptance/src/holder.fixture.js';
import { approveUnlock } from '../../services/acceptance/src/pin.fixture.js';

/** Acceptance beside the agent itself: jobs, messages and signatures are what the other end takes. */
const running = withAcceptance({ KAIKA_PIN_RESET_CODE: 'none' });
let agent: Agent;
beforeAll(async () => {
  const jobKey = running.bench.jobKey.export({ format: 'jwk' });
  const virtualCardsDir = join(running.bench.dir, 'cards');
  agent = await startAgent({ jobKey, virtualCardsDir, origins: [ORIGIN], clock: running.bench.clock });
});
afterAll(() => agent?.stop());

const ask = async (method: string, path: string, body?: unknown) =>
  (await agent.api(method, path, body, { origin: ORIGIN })).json as Record<string, unknown>;
const insert = (cardNumber: string | null) => ask('PUT', '/virtual/reader', { cardNumber });

/** What a page does between two answers of this service: proof, job, the agent's page, its signature. */
async function withPage(
  start: [path: string, body: object],
  { purpose, act, more }: { purpose: string; act: string; more?: object },
  pin: string,
) {
  const { bench } = running;
  const { id, nonce } = (await bench.call('POST', ...start)).body;
  const proof = await ask('POST', '/v1/proofs', { session: id, nonce, purpose });
  const body = { proof, userCode: USER_CODE, ...more };
  const released = await bench.call('POST', `${start[0]}/${String(id)}/${act}`, body);
  expect(released.status).toBe(200);
  const job = released.body.job ?? released.body.pinJob;
  const page = await ask('POST', '/v1/pin-sessions', { session: id, nonce: released.body.nonce, job });
  await agent.typePin(new URL(page.url as string).pathname, pin);
  const end = await ask('GET', `/v1/pin-sessions/${String(page.id)}`);
  expect(end).toMatchObject({ state: 'done' });
  return bench.call('POST', `${start[0]}/${String(id)}/completion`, { signature: end.signature });
}

async function issued(): Promise<Holder> {
  const holder = await running.bench.issueCard();
  await holder.powerOff();
  await insert(holder.sample.cardNumber);
  return holder;
}

async function look(holder: Holder, then: () => Promise<void>): Promise<void> {
  await insert(null);
  await holder.powerOn();
  await then();
  await holder.powerOff();
  await insert(holder.sample.cardNumber);
}

describe('beside a real agent', () => {
  it('a card is opened, blocked, has its PIN reset, is blocked, is unlocked at the centre, and has a PIN again', async () => {
    const { bench } = running;
    const holder = await issued();
    const { cardNumber } = holder.sample;
    const opening: [string, object] = ['/activations', { cardNumber, way: 'A' }];
    const opened = await withPage(opening, { purpose: 'accept', act: 'acceptance', more: { pinTries: 3 } }, '13579246');
    expect(opened.body).toEqual({ state: 'activated' });

    await look(holder, () => holder.block());
    const reset = await withPage(['/pin-resets', { cardNumber }], { purpose: 'pin-reset', act: 'release' }, '24680135');
    expect(reset).toEqual({ status: 200, body: { state: 'done' } });

    await look(holder, () => holder.block());
    const request = await approveUnlock(bench, holder);
    const { id, nonce } = (await bench.officer('POST', '/unlocks', { request })).body;
    const proof = await ask('POST', '/v1/proofs', { session: id, nonce, purpose: 'unlock' });
    const { job, nonce: second } = (await bench.officer('POST', `/unlocks/${String(id)}/release`, { proof })).body;
    const end = await ask('POST', '/v1/unlocks', { session: id, nonce: second, job });
    expect(end).toMatchObject({ state: 'done' });
    const { signature } = end;
    const unlocked = await bench.officer('POST', `/unlocks/${String(id)}/completion`, { signature });
    expect(unlocked.body).toEqual({ cardNumber, transportGeneration: 2, pukGeneration: 3 });

    const resumed = await withPage(opening, { purpose: 'resume-session', act: 'resumption' }, '97531864');
    expect(resumed.body).toEqual({ state: 'activated' });
    await look(holder, async () => expect(await holder.verifyPin('97531864')).toEqual({ ok: true }));
  }, 60_000);
});
