import { beforeEach, describe, expect, it } from '@jest/globals';
import { withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const PIN = '13579246';
const running = withAcceptance();
beforeEach(() => {
  running.bench.centre.broken = undefined;
  running.bench.centre.answer = undefined;
  running.bench.centre.beforeAnswer = undefined;
});

const openJob = (holder: Holder, job: unknown, session: string) =>
  holder.openJob(job, session, running.bench.jobKey, running.bench.clock.now());
const jobsOf = async ({ sample }: Holder) =>
  (await running.bench.sql<{ jobs_released: number }>('select jobs_released from card where card_number = $1', [sample.cardNumber]))[0]!.jobs_released; // prettier-ignore
const activatedEvents = async ({ sample }: Holder) =>
  (await running.bench.sql('select 1 from outbox where key = $1', [sample.cardNumber])).length;

describe('the centre', () => {
  it.each(['before', 'after'] as const)(
    'that breaks off %s its commit: 3125, nothing released, press again',
    async (when) => {
      const holder = await running.bench.issueCard();
      running.bench.centre.broken = when;
      expect(await running.bench.press(holder)).toMatchObject({ status: 503, body: { legacyCode: '3125' } });
      expect(await jobsOf(holder)).toBe(0);
      expect(running.bench.centre.accepted.has(holder.sample.cardNumber)).toBe(when === 'after');
      running.bench.centre.broken = undefined;
      const { session, status, body } = await running.bench.press(holder);
      expect(status).toBe(200);
      expect(await openJob(holder, body.pinJob, session.id)).toMatchObject({ earlierJob: false });
    },
  );

  it.each([
    ['what is no answer', 200, { hello: 'world' }],
    ['an error without a name', 500, {}],
    ['a refusal of our token', 401, { type: 'urn:kaika:error:unauthorized' }],
    ['that it does not know the card yet', 404, { type: 'urn:kaika:error:unknownCard' }],
    ['an acceptance that did not happen', 200, { status: 'pending', acceptedAt: null }],
  ])('that answers %s: 3125, nothing released', async (_what, status, body) => {
    const holder = await running.bench.issueCard();
    running.bench.centre.answer = { status, body };
    expect(await running.bench.press(holder)).toMatchObject({ status: 503, body: { legacyCode: '3125' } });
    expect(await jobsOf(holder)).toBe(0);
  });

  it.each([
    ['cardRevoked', '4931'],
    ['cardHeld', null],
    ['cardExpired', null],
  ] as const)('that says %s is passed on, and nothing is released', async (code, legacyCode) => {
    const holder = await running.bench.issueCard();
    running.bench.centre.refuse.set(holder.sample.cardNumber, code);
    const { status, body } = await running.bench.press(holder);
    expect({ status, body }).toMatchObject({ status: 409, body: { type: `urn:kaika:error:${code}`, legacyCode } });
    expect(await jobsOf(holder)).toBe(0);
    running.bench.centre.refuse.delete(holder.sample.cardNumber);
    expect((await running.bench.press(holder)).status).toBe(200);
  });

  it('that says an accepted card is suspended by now gives no further job', async () => {
    const holder = await running.bench.issueCard();
    await running.bench.press(holder);
    running.bench.centre.answer = {
      status: 200,
      body: { status: 'suspended', acceptedAt: '2026-11-21T02:00:00.000Z' },
    };
    expect((await running.bench.press(holder)).body.type).toBe('urn:kaika:error:cardHeld');
    expect(await jobsOf(holder)).toBe(1);
  });

  it('whose answer comes after the card was activated by another session gives no job for it', async () => {
    const holder = await running.bench.issueCard();
    const first = await running.bench.press(holder);
    await holder.changePin(holder.transportPin, PIN);
    const signature = await holder.confirm(PIN, first.session, first.body.nonce);
    running.bench.centre.beforeAnswer = async () => {
      expect((await running.bench.complete(first.session, signature)).status).toBe(200);
    };
    expect((await running.bench.press(holder)).body.type).toBe('urn:kaika:error:cardNotActivatable');
    expect(await jobsOf(holder)).toBe(1);
    expect(await running.bench.state(first.session.id)).toBe('activated');
  });

  it('that is away does not hide that the card was revoked', async () => {
    const holder = await running.bench.issueCard();
    await running.bench.revoke(holder.sample.cardNumber);
    running.bench.centre.broken = 'before';
    expect(await running.bench.press(holder)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
  });
});

describe('a database that fails', () => {
  it('while the evidence is written: the centre was not asked', async () => {
    const holder = await running.bench.issueCard();
    const heal = await running.bench.refuseWrites('evidence', 'insert');
    const calls = running.bench.centre.calls;
    expect((await running.bench.press(holder)).status).toBe(500);
    expect(running.bench.centre.calls).toBe(calls);
    await heal();
    expect((await running.bench.press(holder)).status).toBe(200);
  });

  it.each([
    ['card', 'new.live_job is not null'],
    ['activation', 'new.accepted_at is not null'],
  ])('after the centre’s commit, at %s: nothing released, press again', async (table, when) => {
    const holder = await running.bench.issueCard();
    const heal = await running.bench.refuseWrites(table, 'update', when);
    const failed = await running.bench.press(holder);
    expect(failed.status).toBe(500);
    expect(JSON.stringify(failed.body)).not.toContain('told to fail');
    expect(running.bench.centre.accepted.has(holder.sample.cardNumber)).toBe(true);
    expect(await jobsOf(holder)).toBe(0);
    await heal();
    const again = await running.bench.press(holder);
    expect(await openJob(holder, again.body.pinJob, again.session.id)).toMatchObject({ earlierJob: false });
  });

  it('at the completion: neither activated nor an event, and the same signature serves afterwards', async () => {
    const holder = await running.bench.issueCard();
    const { session, body } = await running.bench.press(holder);
    await holder.changePin(holder.transportPin, PIN);
    const signature = await holder.confirm(PIN, session, body.nonce);
    const heal = await running.bench.refuseWrites('outbox', 'insert');
    expect((await running.bench.complete(session, signature)).status).toBe(500);
    expect(await running.bench.state(session.id)).toBe('accepted');
    await heal();
    expect((await running.bench.complete(session, signature)).status).toBe(200);
    expect(await activatedEvents(holder)).toBe(1);
  });
});

describe('a hundred at once', () => {
  it('of the same request: one goes on, with one job and one acceptance', async () => {
    const holder = await running.bench.issueCard();
    const session = await running.bench.begin(holder.sample.cardNumber);
    const proof = await holder.prove(session);
    const calls = running.bench.centre.calls;
    const answers = await Promise.all(Array.from({ length: 100 }, () => running.bench.accept(session, proof)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(99);
    expect(running.bench.centre.calls).toBe(calls + 1);
    expect(await jobsOf(holder)).toBe(1);
  });

  it('sessions of one card: all jobs but one are void, and the card is activated once', async () => {
    const holder = await running.bench.issueCard();
    const sessions = [];
    for (let n = 0; n < 100; n++) sessions.push(await running.bench.begin(holder.sample.cardNumber));
    const proofs = [];
    for (const session of sessions) {
      proofs.push({ session, proof: await holder.prove(session), proofSignature: holder.proofSignature });
    }
    const answers = await Promise.all(
      proofs.map(async (made) => ({ ...made, ...(await running.bench.accept(made.session, made.proof)) })),
    );
    const accepted = answers.filter(({ status }) => status === 200);
    expect(accepted.length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => [200, 429, 503].includes(status))).toBe(true);
    expect(await jobsOf(holder)).toBe(accepted.length);

    await holder.changePin(holder.transportPin, PIN);
    const signed = [];
    for (const { session, body, proofSignature } of accepted) {
      signed.push({ session, signature: await holder.confirm(PIN, session, body.nonce, proofSignature) });
    }
    const completed = await Promise.all(
      [...signed, ...signed].map(({ session, signature }) => running.bench.complete(session, signature)),
    );
    expect(completed.filter(({ status }) => status === 200)).toHaveLength(2); // the live one, pressed twice
    expect(completed.filter(({ status }) => status === 410)).toHaveLength(2 * signed.length - 2);
    expect(await activatedEvents(holder)).toBe(1);
    const states = await Promise.all(signed.map(({ session }) => running.bench.state(session.id)));
    expect(states.filter((state) => state === 'activated')).toHaveLength(1);
  });
});
