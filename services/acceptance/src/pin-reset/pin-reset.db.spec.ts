import { beforeEach, describe, expect, it } from '@jest/globals';
import { activatedMessage, pinResetMessage, type ProofPurpose } from '#libs/piv';
import { USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import {
  activate,
  completeReset,
  mailedCode,
  NEW_PIN,
  PIN,
  playReset,
  pressReset,
  type Pressed,
} from '../pin.fixture.js';
import type { Holder } from '../holder.fixture.js';

const DAY_MS = 86_400_000;
const running = withAcceptance();
beforeEach(() => running.bench.clock.set(0));
const problem = (code: string) => ({ body: { type: `urn:kaika:error:${code}` } });
const state = async ({ session }: Pressed) => (await running.bench.call('GET', `/pin-resets/${session.id}`)).body.state;

async function opened(): Promise<Holder> {
  const holder = await running.bench.issueCard();
  await activate(running.bench, holder);
  return holder;
}

/** With the code of a mail that was sent for it. */
async function released(holder: Holder): Promise<Pressed> {
  const { bench } = running;
  expect(await pressReset(bench, holder)).toMatchObject({ status: 200, body: { state: 'code-sent' } });
  return pressReset(bench, holder, { emailCode: await mailedCode(bench, holder) });
}

describe('a forgotten PIN', () => {
  it('is replaced by the PUK: card, user code and mailed code, then the holder’s own signature', async () => {
    const { bench } = running;
    const holder = await opened();
    await holder.block();
    const first = await pressReset(bench, holder);
    expect(first).toMatchObject({ status: 200, body: { state: 'code-sent', lastOnline: false } });
    expect(await state(first)).toBe('code-sent');
    const [event] = await bench.events('one-time-code.requested', holder);
    expect(event).toMatchObject({ purpose: 'pin-reset', request: first.session.id });

    const second = await pressReset(bench, holder, { emailCode: await mailedCode(bench, holder) });
    expect(second).toMatchObject({ status: 200, body: { state: 'released' } });
    expect(await state(second)).toBe('released');
    const { wrong, signature } = await playReset(bench, holder, second);
    expect(wrong).toBe(0);
    const done = await completeReset(bench, second, signature);
    expect(done).toEqual({ status: 200, body: { state: 'done' } });
    expect(await completeReset(bench, second, signature)).toEqual(done);
    expect(await state(second)).toBe('done');
    expect(await holder.verifyPin(NEW_PIN)).toEqual({ ok: true });
    expect(await bench.events('card.activated', holder)).toHaveLength(1); // at its activation
    const [card] = await bench.sql(
      'select puk_generation, puk_rotating_to, puk_jobs from card where card_number = $1',
      [holder.sample.cardNumber],
    );
    expect(card).toEqual({ puk_generation: 2, puk_rotating_to: null, puk_jobs: 0 });
    const acts = await bench.sql<{ act: string }>('select act from evidence where card_number = $1 order by id', [
      holder.sample.cardNumber,
    ]);
    expect(acts.map(({ act }) => act)).toEqual(['accept', 'complete', 'reset-pin', 'reset-pin', 'complete-reset']);
  });

  it('is replaced again and again, each time by the next PUK; an old one does nothing', async () => {
    const { bench } = running;
    const holder = await opened();
    for (const generation of [1, 2, 3]) {
      const pressed = await released(holder);
      const job = await holder.openAny(pressed.body.job, pressed.session.id, bench.jobKey, bench.clock.now());
      expect(job).toMatchObject({
        ...{ kind: 'reset-pin', puks: [bench.pukOf(holder, generation)] },
        nextPuk: bench.pukOf(holder, generation + 1),
      });
      const { signature } = await playReset(bench, holder, pressed, { pin: `1357924${generation}` });
      expect((await completeReset(bench, pressed, signature)).status).toBe(200);
      // A job that somebody kept: its PUK is not the card's any more.
      await expect(playReset(bench, holder, pressed)).rejects.toThrow('no PUK of the job was right');
    }
    expect((await holder.verifyPin('13579243')).ok).toBe(true);
  });

  it('of an accepted card that never had its end seen, opens the card', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const pressed = await bench.press(holder);
    const { transportPin } = await holder.openJob(
      pressed.body.pinJob,
      pressed.session.id,
      bench.jobKey,
      bench.clock.now(),
    );
    await holder.changePin(transportPin, PIN);
    const reset = await released(holder);
    const late = await bench.complete(pressed.session, await holder.confirm(PIN, pressed.session, pressed.body.nonce));
    expect(late).toMatchObject({ status: 403, ...problem('proofRefused') }); // its proof is another session's
    const { signature } = await playReset(bench, holder, reset);
    expect((await completeReset(bench, reset, signature)).status).toBe(200);
    expect(await bench.events('card.activated', holder)).toMatchObject([{ activation: reset.session.id }]);
    expect((await bench.press(holder)).status).toBe(409);
  });
});

describe('nobody', () => {
  it('gets a PUK for a card that is not accepted, revoked, held, expired, or of which the centre cannot be asked', async () => {
    const { bench } = running;
    expect(await pressReset(bench, await bench.issueCard())).toMatchObject({
      status: 409,
      ...problem('cardNotAccepted'),
    });
    const holder = await opened();
    const { cardNumber } = holder.sample;
    for (const code of ['cardRevoked', 'cardHeld', 'cardExpired'] as const) {
      bench.centre.refuse.set(cardNumber, code);
      expect(await pressReset(bench, holder)).toMatchObject({ status: 409, ...problem(code) });
    }
    bench.centre.refuse.clear();
    bench.centre.answer = { status: 200, body: { status: 'suspended', acceptedAt: '2026-11-21T02:00:00.000Z' } };
    expect(await pressReset(bench, holder)).toMatchObject({ status: 409, ...problem('cardHeld') });
    bench.centre.answer = undefined;
    bench.centre.broken = 'before';
    expect(await pressReset(bench, holder)).toMatchObject({ status: 503, body: { legacyCode: '3125' } });
    bench.centre.broken = undefined;
    expect(await bench.events('one-time-code.requested', holder)).toEqual([]);
    await bench.revoke(cardNumber);
    bench.centre.broken = 'before';
    expect(await pressReset(bench, holder)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
    bench.centre.broken = undefined;
  });

  it('gets one with the proof of another card, session, purpose or key', async () => {
    const { bench } = running;
    const [holder, other] = [await opened(), await opened()];
    const { cardNumber } = holder.sample;
    const start = async () =>
      (await bench.call('POST', '/pin-resets', { cardNumber })).body as unknown as Pressed['session'];
    const release = (id: string, proof: unknown) =>
      bench.call('POST', `/pin-resets/${id}/release`, { proof, userCode: USER_CODE });
    const purposes: ProofPurpose[] = ['accept', 'resume-session', 'unlock', 'user-code-reset'];
    for (const purpose of purposes) {
      const session = await start();
      expect(await release(session.id, await holder.prove(session, { purpose }))).toMatchObject(
        problem('proofRefused'),
      );
    }
    for (const session of [await start(), await bench.begin(cardNumber)]) {
      const proof = await holder.prove(session, { purpose: 'pin-reset' });
      expect(await release((await start()).id, proof)).toMatchObject(problem('proofRefused'));
    }
    const theirs = await start();
    expect(await release(theirs.id, await other.prove(theirs, { purpose: 'pin-reset' }))).toMatchObject(
      problem('proofRefused'),
    );
    const swapped = await start();
    const proof = await holder.prove(swapped, { purpose: 'pin-reset' });
    const ephemeralKey = other.agentKey.publicKey.export({ format: 'der', type: 'spki' }).toString('base64url');
    expect(await release(swapped.id, { ...proof, ephemeralKey })).toMatchObject(problem('proofRefused'));
    expect(await release(swapped.id, proof)).toMatchObject({ status: 410 }); // its nonce is used
    expect(await bench.events('one-time-code.requested', holder)).toEqual([]);
  });

  it('guesses the user code: five wrong ones with the card, and only an officer or a new code opens the door again', async () => {
    const { bench } = running;
    const holder = await opened();
    for (let wrong = 1; wrong <= 5; wrong += 1) {
      bench.clock.set(-30 * DAY_MS + wrong * 1_000_000); // after the delay
      expect(await pressReset(bench, holder, { userCode: `wrong-${wrong}` })).toMatchObject(problem('codeRefused'));
    }
    expect(await pressReset(bench, holder)).toMatchObject({ status: 403, ...problem('attemptsLocked') });
    bench.clock.set(0);
    expect(await pressReset(bench, holder)).toMatchObject({ status: 403, ...problem('attemptsLocked') });
  });

  it('guesses the mailed code, even who knows the user code', async () => {
    const { bench } = running;
    const holder = await opened();
    bench.clock.set(-500_000);
    await pressReset(bench, holder);
    const code = await mailedCode(bench, holder);
    const wrongCode = code === '00000000' ? '00000001' : '00000000';
    for (let wrong = 1; wrong <= 5; wrong += 1) {
      const answer = await pressReset(bench, holder, { emailCode: wrongCode });
      expect(answer).toMatchObject(problem('oneTimeCodeRefused'));
      bench.clock.set(-500_000 + wrong * 90_000);
    }
    expect(await pressReset(bench, holder, { emailCode: code })).toMatchObject(problem('attemptsLocked'));
    bench.clock.set(0);
  });

  it('uses a code after ten minutes, one that a newer took the place of, or a sixth of a day', async () => {
    const { bench } = running;
    const holder = await opened();
    bench.clock.set(-DAY_MS / 2);
    await pressReset(bench, holder);
    const old = await mailedCode(bench, holder);
    await pressReset(bench, holder);
    const newer = await mailedCode(bench, holder);
    if (old !== newer) {
      expect(await pressReset(bench, holder, { emailCode: old })).toMatchObject(problem('oneTimeCodeRefused'));
    }
    bench.clock.set(-DAY_MS / 2 + 601_000);
    expect(await pressReset(bench, holder, { emailCode: newer })).toMatchObject({ status: 410 });
    for (let sent = 3; sent <= 5; sent += 1) expect((await pressReset(bench, holder)).status).toBe(200);
    expect(await pressReset(bench, holder)).toMatchObject({ status: 429 });
    bench.clock.set(0);
  });
});

describe('a job', () => {
  it('is for one agent: another key cannot open it, and no other session’s signature completes it', async () => {
    const { bench } = running;
    const [holder, other] = [await opened(), await opened()];
    bench.clock.set(-70_000);
    const pressed = await released(holder);
    const { id } = pressed.session;
    await expect(other.openAny(pressed.body.job, id, bench.jobKey, bench.clock.now())).rejects.toThrow();
    bench.clock.set(0);
    await expect(holder.openAny(pressed.body.job, id, bench.jobKey, bench.clock.now())).rejects.toThrow();
    bench.clock.set(-70_000);
    const { signature } = await playReset(bench, holder, pressed);
    const confirm = (session: Pressed['session'], nonce: unknown, message = pinResetMessage) =>
      holder.confirm(NEW_PIN, session, nonce, undefined, message);
    for (const wrong of [
      await confirm(pressed.session, pressed.session.nonce),
      await confirm({ ...pressed.session, id: other.sample.cardUuid }, pressed.body.nonce),
      await confirm(pressed.session, pressed.body.nonce, activatedMessage),
    ]) {
      expect(await completeReset(bench, pressed, wrong)).toMatchObject(problem('proofRefused'));
    }
    expect(await bench.complete(pressed.session, signature)).toMatchObject({ status: 404 }); // no activation
    expect((await completeReset(bench, pressed, signature)).status).toBe(200);
  });

  it('is one a card: of a hundred releases at once two are sent, one is live, and the card goes to the centre', async () => {
    const { bench } = running;
    const holder = await opened();
    await pressReset(bench, holder);
    const emailCode = await mailedCode(bench, holder);
    const { cardNumber } = holder.sample;
    const bodies: { id: string; body: unknown }[] = [];
    for (let i = 0; i < 100; i += 1) {
      const session = (await bench.call('POST', '/pin-resets', { cardNumber })).body as unknown as Pressed['session'];
      const proof = await holder.prove(session, { purpose: 'pin-reset' });
      bodies.push({ id: session.id, body: { proof, userCode: USER_CODE, emailCode } });
    }
    const answers = await Promise.all(
      bodies.map(({ id, body }) => bench.call('POST', `/pin-resets/${id}/release`, body)),
    );
    const sent = answers.filter(({ status }) => status === 200).length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(2);
    const released = await bench.sql<{ id: string }>(
      'select id from pin_reset where card_number = $1 and released_at is not null',
      [cardNumber],
    );
    expect(released).toHaveLength(sent);
    const [card] = await bench.sql<{ live: string; jobs: number }>(
      'select live_activation as live, puk_jobs as jobs from card where card_number = $1',
      [cardNumber],
    );
    expect(card!.jobs).toBe(sent);
    expect(released.map(({ id }) => id)).toContain(card!.live);
  }, 60_000);
});
