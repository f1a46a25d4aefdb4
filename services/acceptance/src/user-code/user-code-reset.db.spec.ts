import { beforeEach, describe, expect, it } from '@jest/globals';
import { USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder, Started } from '../holder.fixture.js';

const running = withAcceptance();
beforeEach(async () => {
  await running.bench.sql('delete from attempt');
  running.bench.clock.set(0);
});

const NEW = 'Newer#26';

async function start(cardNumber: string): Promise<Started> {
  const { status, body } = await running.bench.call('POST', '/user-codes', { cardNumber });
  expect({ status, members: Object.keys(body).sort() }).toEqual({ status: 201, members: ['id', 'nonce'] });
  return body as unknown as Started;
}
const prove = async (holder: Holder, session: Started, changes: object = {}) =>
  running.bench.call('POST', `/user-codes/${session.id}/proof`, {
    proof: await holder.prove(session, { purpose: 'user-code-reset', ...changes }),
  });
const complete = ({ id }: { id: string }, oneTimeCode: string, newUserCode = NEW) =>
  running.bench.call('POST', `/user-codes/${id}/completion`, {
    ...{ oneTimeCode, newUserCode, newUserCodeAgain: newUserCode },
  });
const mailed = async (holder: Holder): Promise<string> => {
  const requests = await running.bench.events('one-time-code.requested', holder);
  return (await running.bench.unseal('one-time-code.requested', requests.at(-1)!)).code;
};
/** Start, prove, read the mail. */
async function request(holder: Holder): Promise<{ session: Started; code: string }> {
  const session = await start(holder.sample.cardNumber);
  expect((await prove(holder, session)).status).toBe(202);
  return { session, code: await mailed(holder) };
}
const wrong = (code: string) => String((Number(code) + 1) % 100_000_000).padStart(8, '0');
const generationOf = async ({ sample }: Holder) =>
  (await running.bench.sql('select generation from verifier where card_number = $1', [sample.cardNumber]))[0];

describe('a forgotten user code', () => {
  it('is replaced after the card’s proof and a one-time code from the contact’s mail', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const session = await start(holder.sample.cardNumber);
    expect(await bench.events('one-time-code.requested', holder)).toEqual([]); // no mail for a card number alone
    const proven = await prove(holder, session);
    expect(proven.status).toBe(202);
    const [requested] = await bench.events('one-time-code.requested', holder);
    expect(requested).toMatchObject({
      ...{ cardNumber: holder.sample.cardNumber, request: session.id, purpose: 'user-code-reset' },
      expiresAt: proven.body.expiresAt,
    });
    const { code } = await bench.unseal('one-time-code.requested', requested!);
    expect(code).toMatch(/^[0-9]{8}$/);
    expect(await complete(session, code)).toEqual({ status: 200, body: { state: 'changed' } });

    expect((await bench.press(holder, USER_CODE)).status).toBe(403);
    expect((await bench.press(holder, NEW)).status).toBe(200);
    const [credential] = await bench.events('credential.set', holder);
    expect(credential).toMatchObject({ kind: 'user-code', generation: 2 });
    expect(await bench.isUserCode(credential!, NEW)).toBe(true);
    expect(await bench.sql('select act from evidence where session = $1', [session.id])).toEqual([{ act: 'reset-user-code' }]); // prettier-ignore
  });

  it('sent again after a lost answer has the same answer; another code does not follow', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    await complete(session, code);
    expect(await complete(session, code)).toEqual({ status: 200, body: { state: 'changed' } });
    expect((await complete(session, code, 'Third#26')).status).toBe(403);
    expect(await generationOf(holder)).toEqual({ generation: 2 });
    expect(await bench.events('credential.set', holder)).toHaveLength(1);
  });

  it('begins the same for every card number, and ends at the proof for who has no card of ours', async () => {
    const { bench } = running;
    const [holder, other, unknown] = [await bench.issueCard(), await bench.issueCard(), await bench.makeCard()];
    const refusals = [];
    for (const [card, number, changes] of [
      [unknown, unknown, {}],
      [other, holder, { cardNumber: holder.sample.cardNumber }],
      [holder, holder, { purpose: 'accept' }],
      [holder, holder, { origin: 'https://evil.example' }],
    ] as const) {
      refusals.push(await prove(card, await start(number.sample.cardNumber), changes));
    }
    for (const refusal of refusals) expect(refusal).toEqual(refusals[0]);
    expect(refusals[0]).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:proofRefused' } });
    for (const card of [holder, other, unknown]) {
      expect(await bench.events('one-time-code.requested', card)).toEqual([]);
    }
  });

  it('that nobody went on with is forgotten after an hour, so that beginning many fills no disk', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const begun = () => bench.sql('select id from user_code_reset order by id');
    await bench.sql('delete from user_code_reset');
    bench.clock.set(-2 * 3_600_000);
    const { session } = await request(holder);
    for (let i = 0; i < 12; i += 1) await start('TT00000000000000');
    bench.clock.set(0);
    const [one, another] = [await start('TT00000000000000'), await start('TT00000000000000')];
    expect(await begun()).toEqual([session.id, one.id, another.id].sort().map((id) => ({ id })));
  });

  it('takes a proof once and for 120 seconds, and nothing before it', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const session = await start(holder.sample.cardNumber);
    expect(await complete(session, '12345678')).toMatchObject({ status: 409 });
    expect((await prove(holder, session)).status).toBe(202);
    expect((await prove(holder, session)).status).toBe(410);
    bench.clock.set(-121_000);
    const old = await start(holder.sample.cardNumber);
    bench.clock.set(0);
    expect((await prove(holder, old)).status).toBe(410);
    expect(await complete({ id: '7f4f4bd2-7b1d-4c0f-8a51-7f43bd5f1c11' }, '12345678')).toMatchObject({ status: 404 });
  });

  it('has five tries; the sixth is refused, even with the right code', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    for (let n = 0; n < 5; n++) {
      await bench.sql('delete from attempt');
      expect((await complete(session, wrong(code))).body.type).toBe('urn:kaika:error:oneTimeCodeRefused');
    }
    await bench.sql('delete from attempt');
    expect((await complete(session, code)).status).toBe(410);
    expect(await generationOf(holder)).toEqual({ generation: 1 });
  });

  it('and its one-time codes are guessed at a hundred times at once: five were looked at', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    await Promise.all(Array.from({ length: 100 }, () => complete(session, wrong(code))));
    const [{ tries } = { tries: 0 }] = await bench.sql<{ tries: number }>('select tries from user_code_reset where id = $1', [session.id]); // prettier-ignore
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(5);
    expect(await generationOf(holder)).toEqual({ generation: 1 });
  });

  it('the right code a hundred times at once sets one code', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    const answers = await Promise.all(Array.from({ length: 100 }, () => complete(session, code)));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => [200, 409, 410, 429, 503].includes(status))).toBe(true);
    expect(await generationOf(holder)).toEqual({ generation: 2 });
    expect(await bench.events('credential.set', holder)).toHaveLength(1);
  });

  it('has a code for ten minutes, and only the newest of a card', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    bench.clock.set(-601_000);
    const old = await request(holder);
    bench.clock.set(-599_000);
    const replaced = await request(holder);
    bench.clock.set(0);
    expect((await complete(old.session, old.code)).status).toBe(410);
    const newest = await request(holder);
    expect((await complete(replaced.session, replaced.code)).status).toBe(410);
    if (newest.code !== replaced.code) {
      expect((await complete(newest.session, replaced.code)).body.type).toBe('urn:kaika:error:oneTimeCodeRefused');
    }
    expect((await complete(newest.session, newest.code)).status).toBe(200);
  });

  it('sends five mails a day at most', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    bench.clock.set(-86_400_000);
    for (let n = 0; n < 5; n++) await request(holder);
    const refused = await prove(holder, await start(holder.sample.cardNumber));
    expect(refused).toMatchObject({ status: 429, body: { type: 'urn:kaika:error:tooManyAttempts' } });
    expect(refused.body.retryAfterSeconds).toBeGreaterThan(86_000);
    expect(await bench.events('one-time-code.requested', holder)).toHaveLength(5);
    bench.clock.set(0);
    await request(holder);
  });

  it('of a card that never had one is told so after the proof, and of a revoked card 4931', async () => {
    const { bench } = running;
    const [wayB, revoked] = [await bench.issueCard({ way: 'B' }), await bench.issueCard()];
    expect(await prove(wayB, await start(wayB.sample.cardNumber))).toMatchObject({ status: 409 });
    const { session, code } = await request(revoked);
    await bench.revoke(revoked.sample.cardNumber);
    expect((await complete(session, wrong(code))).body.legacyCode).toBe(null);
    expect((await complete(session, code)).body.legacyCode).toBe('4931');
    const again = await start(revoked.sample.cardNumber);
    expect((await prove(revoked, again, { purpose: 'accept' })).body.legacyCode).toBe(null);
    const told = await prove(revoked, await start(revoked.sample.cardNumber));
    expect(told).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
  });

  it('opens the door again that a stranger’s guesses had locked', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.sql(`insert into attempt values ('user-code', $1, 10, now())`, [holder.sample.cardNumber]);
    const change = (userCode: string) =>
      bench.call('PUT', `/cards/${holder.sample.cardNumber}/user-code`, {
        ...{ userCode, newUserCode: 'Third#26', newUserCodeAgain: 'Third#26' },
      });
    expect((await change(USER_CODE)).body.type).toBe('urn:kaika:error:attemptsLocked');
    const { session, code } = await request(holder);
    expect((await complete(session, code)).status).toBe(200);
    expect((await change(NEW)).status).toBe(200);
  });

  it('opens it with the new code or not at all: nothing is left to do when the process ends right after', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    await bench.sql(`insert into attempt values ('user-code', $1, 10, now())`, [holder.sample.cardNumber]);
    const locks = () => bench.sql(`select 1 from attempt where counter = 'user-code' and subject = $1`, [holder.sample.cardNumber]); // prettier-ignore
    const heal = await bench.refuseWrites('attempt', 'delete', `old.counter = 'user-code'`);
    expect((await complete(session, code)).status).toBe(500);
    await heal();
    expect([(await generationOf(holder))?.['generation'], (await locks()).length]).toEqual([1, 1]);
    expect((await complete(session, code)).status).toBe(200);
    expect([(await generationOf(holder))?.['generation'], (await locks()).length]).toEqual([2, 0]);
  });

  it('locks itself after ten wrong one-time codes of one card', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.sql(`insert into attempt values ('user-code:proven', $1, 10, now())`, [holder.sample.cardNumber]);
    const { session, code } = await request(holder);
    expect((await complete(session, code)).body.type).toBe('urn:kaika:error:attemptsLocked');
  });

  it.each(['evidence', 'outbox'])('asks for no mail when the database fails at %s', async (table) => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const heal = await bench.refuseWrites(table, 'insert');
    const session = await start(holder.sample.cardNumber);
    expect((await prove(holder, session)).status).toBe(500);
    await heal();
    expect(await complete(session, '12345678')).toMatchObject({ status: 409 });
    expect(await bench.events('one-time-code.requested', holder)).toEqual([]);
  });

  it('keeps its one-time code when the database fails at setting the new one', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const { session, code } = await request(holder);
    const heal = await bench.refuseWrites('outbox', 'insert');
    expect((await complete(session, code)).status).toBe(500);
    await heal();
    expect(await generationOf(holder)).toEqual({ generation: 1 });
    expect((await complete(session, code)).status).toBe(200);
  });
});
