import { beforeEach, describe, expect, it } from '@jest/globals';
import { FORM, USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import { activate, finishPin, PIN, pressResume } from '../pin.fixture.js';
import type { Holder } from '../holder.fixture.js';

const running = withAcceptance();
beforeEach(() => running.bench.clock.set(0));
const problem = (code: string) => ({ body: { type: `urn:kaika:error:${code}` } });

const jobOf = (holder: Holder, { session, body }: Awaited<ReturnType<typeof pressResume>>) =>
  holder.openJob(body.pinJob, session.id, running.bench.jobKey, running.bench.clock.now());

/** By way B: the card asks for the code that was just set. */
async function resumeB(holder: Holder, userCode: string) {
  const { bench } = running;
  const session = await bench.begin(holder.sample.cardNumber, 'B');
  const body = { proof: await holder.prove(session, { purpose: 'resume-session' }), userCode };
  return { session, ...(await bench.post(`/${session.id}/resumption`, body)) };
}

describe('an accepted card that has no PIN of its holder yet', () => {
  it('goes on with a new proof and the user code; the job before is void', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const first = await bench.press(holder);
    const firstProof = holder.proofSignature;
    const second = await pressResume(bench, holder);
    expect(second).toMatchObject({ status: 200, body: { state: 'accepted' } });
    expect(await jobOf(holder, second)).toMatchObject({ earlierJob: true, transportPin: holder.transportPin });
    expect(await bench.state(first.session.id)).toBe('ended');
    await holder.changePin(holder.transportPin, PIN);
    const late = await holder.confirm(PIN, first.session, first.body.nonce, firstProof);
    expect(await bench.complete(first.session, late)).toMatchObject({ status: 410 });
    const signature = await holder.confirm(PIN, second.session, second.body.nonce);
    expect((await bench.complete(second.session, signature)).status).toBe(200);
    expect(bench.centre.accepted.get(holder.sample.cardNumber)).toMatchObject({ activation: first.session.id });
    const acts = await bench.sql('select act, pin_tries from evidence where card_number = $1 order by id', [
      holder.sample.cardNumber,
    ]);
    expect(acts).toMatchObject([{ act: 'accept' }, { act: 'resume' }, { act: 'complete' }]);
  });

  it('of way B goes on with the user code that was set, and with no other', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    expect((await bench.pressForm(holder)).status).toBe(200);
    expect(await resumeB(holder, USER_CODE)).toMatchObject(problem('codeRefused'));
    const resumed = await resumeB(holder, FORM.newUserCode);
    expect(resumed.status).toBe(200);
    await finishPin(bench, holder, resumed);
  });

  it('is no use to a thief who has it half opened: ten codes, the wrong way, the person’s data', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    await bench.pressForm(holder);
    // What the thief could know of the responsible person opens nothing any more.
    expect(await bench.pressForm(holder, { newUserCode: 'Thief#1', newUserCodeAgain: 'Thief#1' })).toMatchObject(
      problem('codeRefused'),
    );
    expect(await pressResume(bench, holder, FORM.newUserCode)).toMatchObject(problem('codeRefused')); // as way A
    const statuses: number[] = [];
    for (let guess = 0; guess < 10; guess += 1) statuses.push((await resumeB(holder, `guess-${guess}`)).status);
    expect(statuses).toContain(429); // one counter with acceptances
    expect(statuses).not.toContain(200);
    expect(await bench.events('card.activated', holder)).toEqual([]);
  });

  it('is asked for by its own purpose: a proof for an acceptance resumes nothing, and the other way round', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.press(holder);
    const session = await bench.begin(holder.sample.cardNumber);
    const proof = await holder.prove(session);
    expect(await bench.post(`/${session.id}/resumption`, { proof, userCode: USER_CODE })).toMatchObject(
      problem('proofRefused'),
    );
    const again = await bench.begin(holder.sample.cardNumber);
    const resumption = await holder.prove(again, { purpose: 'resume-session' });
    expect(await bench.accept(again, resumption)).toMatchObject(problem('proofRefused'));
  });

  it('hears of revocation, holds and expiry, and that it was opened; and no card resumes what was not accepted', async () => {
    const { bench } = running;
    const fresh = await bench.issueCard();
    expect(await pressResume(bench, fresh)).toMatchObject({ status: 409, ...problem('cardNotAccepted') });
    const holder = await bench.issueCard();
    await bench.press(holder);
    for (const code of ['cardRevoked', 'cardHeld', 'cardExpired'] as const) {
      bench.centre.refuse.set(holder.sample.cardNumber, code);
      expect(await pressResume(bench, holder)).toMatchObject({ status: 409, ...problem(code) });
    }
    bench.centre.refuse.clear();
    bench.centre.broken = 'before';
    expect(await pressResume(bench, holder)).toMatchObject({ status: 503, body: { legacyCode: '3125' } });
    bench.centre.broken = undefined;
    await finishPin(bench, holder, await pressResume(bench, holder));
    expect(await pressResume(bench, holder)).toMatchObject({ status: 409, ...problem('cardNotActivatable') });
  });

  it('keeps how many tries its agent saw', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    expect((await bench.pressWith(holder, 'A', { userCode: USER_CODE, pinTries: 2 })).status).toBe(200);
    expect((await bench.pressWith(holder, 'A', { userCode: USER_CODE, pinTries: 16 })).status).toBe(400);
    const [row] = await bench.sql('select pin_tries from evidence where card_number = $1', [holder.sample.cardNumber]);
    expect(row).toEqual({ pin_tries: 2 });
  });
});

describe('sessions that race for one card', () => {
  it('a hundred at once: one is live, and it alone completes', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.press(holder);
    const { cardNumber } = holder.sample;
    const asked: { id: string; body: unknown; signature: Buffer }[] = [];
    for (let i = 0; i < 100; i += 1) {
      const session = await bench.begin(cardNumber);
      const proof = await holder.prove(session, { purpose: 'resume-session' });
      asked.push({ id: session.id, body: { proof, userCode: USER_CODE }, signature: holder.proofSignature });
    }
    const answers = await Promise.all(asked.map(({ id, body }) => bench.post(`/${id}/resumption`, body)));
    const jobs = answers.flatMap(({ status, body }, i) =>
      status === 200 ? [{ ...asked[i]!, nonce: body.nonce }] : [],
    );
    expect(jobs.length).toBeGreaterThan(0);
    await holder.changePin(holder.transportPin, PIN);
    const completed = [];
    for (const { id, nonce, signature } of jobs) {
      const answer = await bench.complete({ id }, await holder.confirm(PIN, { id, nonce: '' }, nonce, signature));
      completed.push(answer.status);
    }
    expect(completed.filter((status) => status === 200)).toHaveLength(1);
    expect(completed.filter((status) => status === 410)).toHaveLength(jobs.length - 1);
    expect(await bench.events('card.activated', holder)).toHaveLength(1);
  }, 60_000);

  it('and a card that was opened stays with what opened it', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await activate(bench, holder);
    expect(await bench.press(holder)).toMatchObject(problem('cardNotActivatable'));
  });
});
