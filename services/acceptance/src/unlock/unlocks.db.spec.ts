import { beforeEach, describe, expect, it } from '@jest/globals';
import { activatedMessage, pinResetMessage } from '#libs/piv';
import { withAcceptance } from '../acceptance.fixture.js';
import { type Holder, Lost, type Started, Steps } from '../holder.fixture.js';
import {
  activate,
  approveUnlock,
  completeReset,
  completeUnlock,
  finishPin,
  NEW_PIN,
  PIN,
  playReset,
  playUnlock,
  pressReset,
  pressResume,
  pressUnlock,
  unlock,
} from '../pin.fixture.js';

const DAY_MS = 86_400_000;
const running = withAcceptance({ KAIKA_PIN_RESET_CODE: 'none' });
beforeEach(() => running.bench.clock.set(0));
const problem = (code: string) => ({ body: { type: `urn:kaika:error:${code}` } });

async function opened(): Promise<Holder> {
  const holder = await running.bench.issueCard();
  await activate(running.bench, holder);
  return holder;
}

describe('a card unlocked at the centre', () => {
  it('that was never accepted starts its activation again, with the next transport PIN', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await holder.block();
    expect(await unlock(bench, holder)).toEqual({
      status: 200,
      body: { cardNumber: holder.sample.cardNumber, transportGeneration: 2, pukGeneration: 2 },
    });
    const pressed = await bench.press(holder);
    const job = await holder.openJob(pressed.body.pinJob, pressed.session.id, bench.jobKey, bench.clock.now());
    expect(job).toMatchObject({ transportPin: bench.transportPinOf(holder, 2), earlierJob: false });
    await finishPin(bench, holder, pressed);
    expect(await bench.events('card.activated', holder)).toHaveLength(1);
    expect(await bench.events('card.unlocked', holder)).toMatchObject([{ transportGeneration: 2, pukGeneration: 2 }]);

    const path = `/cards/${holder.sample.cardNumber}/evidence`;
    const evidence = await bench.officer('GET', path, undefined, 'dora', 'auditor');
    expect((evidence.body as { items: { act: string }[] }).items.map(({ act }) => act)).toEqual([
      ...['unlock', 'complete-unlock', 'accept', 'complete'],
    ]);
    expect(JSON.stringify(evidence.body)).not.toContain('signature');
    expect((await bench.officer('GET', path, undefined, 'kim', 'kiosk')).status).toBe(403);
  });

  it('that was opened is not accepted again: its user code, then its PIN; no PIN but the new one opens it', async () => {
    const { bench } = running;
    const holder = await opened();
    await holder.block();
    expect((await unlock(bench, holder)).status).toBe(200);
    expect((await holder.verifyPin(PIN)).ok).toBe(false);
    expect(await bench.press(holder)).toMatchObject({ status: 409, ...problem('cardNotActivatable') });
    const accepted = bench.centre.accepted.get(holder.sample.cardNumber);

    const pressed = await pressResume(bench, holder);
    expect(pressed).toMatchObject({ status: 200, body: { state: 'accepted' } });
    expect(await bench.state(pressed.session.id)).toBe('accepted');
    await finishPin(bench, holder, pressed, NEW_PIN);
    expect(await bench.state(pressed.session.id)).toBe('activated');
    expect(bench.centre.accepted.get(holder.sample.cardNumber)).toEqual(accepted);
    expect(await bench.events('card.activated', holder)).toHaveLength(1);
    expect(await pressResume(bench, holder)).toMatchObject({ status: 409, ...problem('cardNotActivatable') });
  });

  it('can have its PIN reset before its holder has set one, and be unlocked again and again', async () => {
    const { bench } = running;
    const holder = await opened();
    expect((await unlock(bench, holder)).status).toBe(200);
    const reset = await pressReset(bench, holder);
    const { signature } = await playReset(bench, holder, reset);
    expect((await completeReset(bench, reset, signature)).status).toBe(200);
    expect(await pressResume(bench, holder)).toMatchObject(problem('cardNotActivatable'));
    expect(await unlock(bench, holder)).toMatchObject({ body: { transportGeneration: 3, pukGeneration: 4 } });
    await finishPin(bench, holder, await pressResume(bench, holder));
  });

  it('opens the door again that somebody locked by guessing', async () => {
    const { bench } = running;
    const holder = await opened();
    for (let wrong = 1; wrong <= 5; wrong += 1) {
      bench.clock.set(-DAY_MS + wrong * 1_000_000);
      await pressReset(bench, holder, { userCode: `wrong-${wrong}` });
    }
    bench.clock.set(0);
    expect(await pressReset(bench, holder)).toMatchObject(problem('attemptsLocked'));
    await unlock(bench, holder);
    expect((await pressReset(bench, holder)).status).toBe(200);
  });
});

describe('what is lost on the way', () => {
  /** RESET, CHANGE of the PUK; VERIFY and 9E take nothing. 3: all is done, and nobody was told. */
  it.each([0, 1, 2, 3])(
    'after %d commands to the card is made up for by the second job of the approval',
    async (done) => {
      const { bench } = running;
      const holder = await bench.issueCard();
      await holder.block();
      const request = await approveUnlock(bench, holder);
      const first = await pressUnlock(bench, holder, request);
      const firstProof = holder.proofSignature;
      if (done > 0) await playUnlock(bench, holder, first, new Steps(done)).catch(expectLost);
      const second = await pressUnlock(bench, holder, request);
      const { wrong, signature } = await playUnlock(bench, holder, second);
      expect(wrong).toBe(done < 2 ? 1 : 0); // n + 1 was tried first
      const late = await holder.confirmUnlock(first.session, first.body.nonce, firstProof);
      expect(await completeUnlock(bench, first, late)).toMatchObject({ status: 410 });
      expect(await completeUnlock(bench, second, signature)).toMatchObject({
        status: 200,
        body: { transportGeneration: 2, pukGeneration: 2 },
      });
      expect((await holder.verifyPin(bench.transportPinOf(holder, 2))).ok).toBe(true);
    },
  );

  it('twice needs another approval, which makes up for it too', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const request = await approveUnlock(bench, holder);
    for (const steps of [1, 1]) {
      const pressed = await pressUnlock(bench, holder, request);
      await playUnlock(bench, holder, pressed, new Steps(steps)).catch(expectLost);
    }
    expect(await pressUnlock(bench, holder, request)).toMatchObject({ status: 409, ...problem('conflict') });
    expect((await unlock(bench, holder)).status).toBe(200);
    expect(await bench.events('card.unlocked', holder)).toHaveLength(1);
  });

  it('once, or to its end, is told with the approval: whether it still serves', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const usable = async (request: string) => {
      const path = `/unlock-requests?cardNumber=${holder.sample.cardNumber}`;
      const { items } = (await bench.officer('GET', path)).body as { items: { id: string; isUsable: boolean }[] };
      return items.find(({ id }) => id === request)!.isUsable;
    };
    const lost = await approveUnlock(bench, holder);
    expect((await bench.officer('POST', '/unlocks', { request: lost })).status).toBe(201);
    expect(await usable(lost)).toBe(true); // nothing was released
    await pressUnlock(bench, holder, lost);
    expect(await usable(lost)).toBe(true);
    await pressUnlock(bench, holder, lost);
    expect(await usable(lost)).toBe(false);

    const done = await approveUnlock(bench, holder);
    expect(await usable(done)).toBe(true);
    const pressed = await pressUnlock(bench, holder, done);
    const { signature } = await playUnlock(bench, holder, pressed);
    expect(await usable(done)).toBe(true);
    expect((await completeUnlock(bench, pressed, signature)).status).toBe(200);
    expect(await usable(done)).toBe(false);
    const approvedAgain = await bench.officer('POST', `/unlock-requests/${done}/approval`, {}, 'ben');
    expect(approvedAgain).toMatchObject({ status: 200, body: { state: 'approved', isUsable: false } });
  });

  it('five times means a defective card', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const request = await approveUnlock(bench, holder);
    await bench.sql('update card set puk_jobs = 5, puk_rotating_to = 2 where card_number = $1', [
      holder.sample.cardNumber,
    ]);
    expect(await pressUnlock(bench, holder, request)).toMatchObject({
      ...{
        status: 409,
        body: { type: 'urn:kaika:error:cardNeedsCentre', hint: { en: expect.stringContaining('defective') } },
      },
    });
  });

  it('at the server: its answer to a job, its transaction at the end', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const request = await approveUnlock(bench, holder);
    let heal = await bench.refuseWrites('evidence', 'insert');
    expect((await pressUnlock(bench, holder, request)).status).toBe(500); // not counted: nothing was sent
    await heal();
    const pressed = await pressUnlock(bench, holder, request);
    const { signature } = await playUnlock(bench, holder, pressed);
    heal = await bench.refuseWrites('outbox', 'insert');
    expect((await completeUnlock(bench, pressed, signature)).status).toBe(500);
    await heal();
    const done = await completeUnlock(bench, pressed, signature);
    expect(done.status).toBe(200);
    expect(await completeUnlock(bench, pressed, signature)).toEqual(done);
    expect(await bench.events('card.unlocked', holder)).toHaveLength(1);
    expect(await pressUnlock(bench, holder, request)).toMatchObject({ status: 409 });
  });
});

describe('an unlock', () => {
  it('takes two officers, within their time', async () => {
    const { bench } = running;
    const { cardNumber } = (await bench.issueCard()).sample;
    const body = { ground: 'letter 12' };
    const ask = (subject: string, role: 'ca-operator' | 'ca-officer' | 'application-officer' = 'ca-officer') =>
      bench.officer('POST', `/cards/${cardNumber}/unlock-requests`, body, subject, role);
    expect((await bench.call('POST', `/cards/${cardNumber}/unlock-requests`, body)).status).toBe(401);
    expect((await ask('otto', 'application-officer')).status).toBe(403);
    const asked = await ask('anna');
    expect(asked).toMatchObject({ status: 202, body: { cardNumber, state: 'open', ...body, usableUntil: null } });
    const request = String(asked.body.id);
    const start = () => bench.officer('POST', '/unlocks', { request });
    expect(await start()).toMatchObject({ status: 409 });
    const approve = (subject: string, role: 'ca-operator' | 'ca-officer' = 'ca-officer') =>
      bench.officer('POST', `/unlock-requests/${request}/approval`, {}, subject, role);
    expect(await approve('anna')).toMatchObject(problem('ownRequest'));
    expect((await approve('otto', 'ca-operator')).status).toBe(403);
    bench.clock.set(-2 * DAY_MS);
    expect((await approve('ben')).body).toMatchObject({ state: 'approved', decidedBy: 'ben', isUsable: true });
    expect((await start()).status).toBe(201);
    bench.clock.set(0);
    expect(await start()).toMatchObject(problem('requestExpired'));
    const ofCard = `/unlock-requests?state=approved&cardNumber=${cardNumber}`;
    expect((await bench.officer('GET', ofCard)).body).toMatchObject({ items: [{ id: request, isUsable: false }] });

    const refused = String((await ask('anna')).body.id);
    const rejection = await bench.officer(
      'POST',
      `/unlock-requests/${refused}/rejection`,
      { ground: 'no letter' },
      'ben',
    );
    expect(rejection.body).toMatchObject({ state: 'rejected', rejectionGround: 'no letter' });
    expect((await bench.officer('POST', '/unlocks', { request: refused })).status).toBe(409);
    expect((await bench.officer('POST', '/cards/TT99999999999999/unlock-requests', body)).status).toBe(404);
  });

  it('is of the card that is there, by its own proof, and ends by its own signature', async () => {
    const { bench } = running;
    const [holder, other] = [await bench.issueCard(), await bench.issueCard()];
    const request = await approveUnlock(bench, holder);
    const start = async () => (await bench.officer('POST', '/unlocks', { request })).body as unknown as Started;
    const release = ({ id }: Started, proof: unknown) => bench.officer('POST', `/unlocks/${id}/release`, { proof });
    for (const [who, purpose] of [
      [other, 'unlock'],
      [holder, 'accept'],
      [holder, 'pin-reset'],
    ] as const) {
      const session = await start();
      expect(await release(session, await who.prove(session, { purpose }))).toMatchObject(problem('proofRefused'));
    }
    const reported = (await bench.call('POST', '/lock-reports', { cardNumber: holder.sample.cardNumber })).body;
    const foreign = await holder.prove(reported as unknown as Started, { purpose: 'unlock' });
    expect(await release(await start(), foreign)).toMatchObject(problem('proofRefused'));

    const pressed = await pressUnlock(bench, holder, request);
    await expect(
      other.openAny(pressed.body.job, pressed.session.id, bench.jobKey, bench.clock.now()),
    ).rejects.toThrow();
    expect((await completeUnlock(bench, pressed, 'A'.repeat(96))).status).toBe(403);
    const { signature } = await playUnlock(bench, holder, pressed);
    for (const message of [activatedMessage, pinResetMessage]) {
      const wrong = await holder.confirmUnlock(pressed.session, pressed.body.nonce, undefined, message);
      expect(await completeUnlock(bench, pressed, wrong)).toMatchObject(problem('proofRefused'));
    }
    expect((await bench.call('POST', `/unlocks/${pressed.session.id}/completion`, { signature })).status).toBe(401);
    expect((await completeUnlock(bench, pressed, signature)).status).toBe(200);
  });

  it('and an activation of one card: the later one counts', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const pressed = await pressUnlock(bench, holder, await approveUnlock(bench, holder));
    const { signature } = await playUnlock(bench, holder, pressed);
    const activation = await bench.press(holder);
    expect(activation.status).toBe(200);
    expect(await completeUnlock(bench, pressed, signature)).toMatchObject({ status: 410 });
    expect((await unlock(bench, holder)).status).toBe(200);
    expect(await bench.state(activation.session.id)).toBe('ended');
  });

  it('is refused for a revoked card, and one whose certificates have expired', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const request = await approveUnlock(bench, holder);
    await bench.revoke(holder.sample.cardNumber);
    expect(await pressUnlock(bench, holder, request)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
    const again = await bench.officer('POST', `/cards/${holder.sample.cardNumber}/unlock-requests`, { ground: 'x' });
    expect(again).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
  });
});

describe('a card that was found blocked', () => {
  it('is told to the centre once, by its own proof; until it is unlocked', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { cardNumber } = holder.sample;
    await holder.block();
    const report = async (changes = {}) => {
      const session = (await bench.call('POST', '/lock-reports', { cardNumber })).body as unknown as Started;
      const proof = await holder.prove(session, { purpose: 'unlock', ...changes });
      return bench.call('POST', `/lock-reports/${session.id}/proof`, { proof });
    };
    expect(await report({ purpose: 'accept' })).toMatchObject(problem('proofRefused'));
    expect(await report({ session: 'another' })).toMatchObject(problem('proofRefused'));
    expect(await bench.events('card.locked', holder)).toEqual([]);
    expect(await report()).toEqual({ status: 200, body: { state: 'locked' } });
    expect(await report()).toEqual({ status: 200, body: { state: 'locked' } });
    expect(await bench.events('card.locked', holder)).toMatchObject([{ cardNumber }]);
    await unlock(bench, holder);
    await holder.block();
    await report();
    expect(await bench.events('card.locked', holder)).toHaveLength(2);
    expect((await bench.call('POST', '/lock-reports', { cardNumber: 'TT99999999999999' })).status).toBe(201);
  });
});

function expectLost(error: unknown): void {
  if (!(error instanceof Lost)) throw error;
}
