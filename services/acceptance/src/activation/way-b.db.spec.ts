import { beforeEach, describe, expect, it } from '@jest/globals';
import { FORM, issuedOf, REPRESENTATIVE, USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const PIN = '13579246';
const running = withAcceptance();
const withoutTimes = ({ status, body }: { status: number; body: unknown }) => ({ status, body });
const verifiersOf = ({ sample }: Holder) =>
  running.bench.sql('select kind, generation from verifier where card_number = $1', [sample.cardNumber]);
const jobsOf = async ({ sample }: Holder) =>
  (await running.bench.sql<{ jobs_released: number }>('select jobs_released from card where card_number = $1', [sample.cardNumber]))[0]!.jobs_released; // prettier-ignore

async function finish(holder: Holder, { session, body }: Awaited<ReturnType<typeof running.bench.pressForm>>) {
  const now = running.bench.clock.now();
  const { transportPin } = await holder.openJob(body.pinJob, session.id, running.bench.jobKey, now);
  await holder.changePin(transportPin, PIN);
  return running.bench.complete(session, await holder.confirm(PIN, session, body.nonce));
}

beforeEach(() => running.bench.sql('delete from attempt'));

describe('an activation by way B', () => {
  it('knows the responsible person, and sets user code and contact with the acceptance', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    const pressed = await bench.pressForm(holder);
    expect(pressed).toMatchObject({ status: 200, body: { state: 'accepted' } });
    expect(await finish(holder, pressed)).toEqual({ status: 200, body: { state: 'activated' } });

    const [credential, ...further] = await bench.events('credential.set', holder);
    expect(further).toEqual([]);
    expect(credential).toMatchObject({ kind: 'user-code', generation: 2 });
    expect(await bench.isUserCode(credential!, FORM.newUserCode)).toBe(true);
    expect(await bench.isUserCode(credential!, USER_CODE)).toBe(false);
    const [contact] = await bench.events('contact.changed', holder);
    expect(await bench.unseal('contact.changed', contact!)).toEqual({ email: FORM.email });
    expect(await verifiersOf(holder)).toEqual([{ kind: 'user-code', generation: 2 }]);
  });
});

describe('the person of way B', () => {
  it('who is another one, and the wrong way, are answered as a wrong code is', async () => {
    const { bench } = running;
    const [holder, wayA, nobody] = [
      await bench.issueCard({ way: 'B' }),
      await bench.issueCard(),
      await bench.makeCard(),
    ];
    await bench.deliver('certificate.issued', issuedOf(nobody.sample, 'B'));
    const presses = [
      () => bench.press(wayA, 'wrong-code'),
      () => bench.pressForm(holder, { nationalId: 'A223456781' }),
      () => bench.pressForm(holder, { birthDate: '0760222' }),
      () => bench.pressWith(holder, 'A', FORM),
      () => bench.pressWith(holder, 'B', { userCode: FORM.newUserCode }), // no code was set yet
      () => bench.pressWith(holder, 'B', { userCode: REPRESENTATIVE.nationalId }),
      () => bench.pressForm(wayA), // this card's way is A
      () => bench.pressForm(wayA, { newUserCode: USER_CODE, newUserCodeAgain: USER_CODE }),
      () => bench.pressWith(wayA, 'B', { userCode: USER_CODE }),
      () => bench.pressWith(wayA, 'A', { ...FORM, newUserCode: USER_CODE, newUserCodeAgain: USER_CODE }),
      () => bench.pressWith(nobody, 'B', FORM), // nothing is known of its representative yet
    ];
    const answers = [];
    for (const press of presses) {
      await bench.sql('delete from attempt');
      answers.push(await press());
    }
    for (const answer of answers) expect(withoutTimes(answer)).toEqual(withoutTimes(answers[0]!));
    expect(answers[0]).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect(await jobsOf(holder)).toBe(0);
    expect(await verifiersOf(holder)).toEqual([{ kind: 'representative', generation: 1 }]);
    expect(await bench.events('contact.changed', holder)).toEqual([]);
  });

  it('shares the counter of way A: waiting after a few, also for the right one', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    const statuses = [];
    for (const nationalId of ['A223456781', 'A123456780', 'X']) {
      statuses.push((await bench.pressForm(holder, { nationalId, confirmed: true })).status);
    }
    statuses.push((await bench.pressWith(holder, 'A', { userCode: USER_CODE })).status);
    expect(statuses).toEqual([403, 403, 403, 429]);
    expect(await bench.pressForm(holder)).toMatchObject({ status: 429, body: { retryAfterSeconds: 5 } });
    await bench.sql('delete from attempt');
    expect((await bench.pressForm(holder)).status).toBe(200);
  });

  it('may be typed in small letters and with blanks around, and the birth date in three boxes', async () => {
    const holder = await running.bench.issueCard({ way: 'B' });
    const typed = { nationalId: ' a123456789 ', birthDate: { year: 76, month: 2, day: 21 } };
    expect((await running.bench.pressForm(holder, typed)).status).toBe(200);
  });

  it('learns that the card is revoked, held or expired, and nobody else does', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    for (const [code, legacyCode] of [
      ['cardRevoked', '4931'],
      ['cardHeld', null],
      ['cardExpired', null],
    ] as const) {
      bench.centre.refuse.set(holder.sample.cardNumber, code);
      const stranger = await bench.pressForm(holder, { birthDate: '0760222' });
      expect(stranger).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
      const told = await bench.pressForm(holder);
      expect(told).toMatchObject({ status: 409, body: { type: `urn:kaika:error:${code}`, legacyCode } });
    }
    expect(await verifiersOf(holder)).toEqual([{ kind: 'representative', generation: 1 }]);
    expect(await bench.events('credential.set', holder)).toEqual([]);
  });
});

describe('an unusual national ID', () => {
  const nationalId = '12345678'; // the manual's own sample

  it('is a warning that costs nothing, and 是 is recorded with the evidence', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B', nationalId });
    const { cardNumber } = holder.sample;
    const session = await bench.begin(cardNumber, 'B');
    const body = { proof: await holder.prove(session), ...FORM, nationalId };
    const warned = await bench.post(`/${session.id}/acceptance`, body);
    expect(warned).toMatchObject({
      status: 422,
      body: { type: 'urn:kaika:error:nationalIdUnusual', confirmable: true, errors: [{ at: '/nationalId' }] },
    });
    expect(JSON.stringify(warned)).not.toContain(nationalId);
    expect(await bench.sql('select 1 from attempt where subject = $1', [cardNumber])).toEqual([]);
    // The same proof serves: the nonce was not used.
    const confirmed = await bench.post(`/${session.id}/acceptance`, { ...body, confirmed: true });
    expect(confirmed.status).toBe(200);
    expect(await overrides(holder)).toEqual([{ act: 'accept', unusual_id_confirmed: true }]);
  });

  it('that is none needs no 是, and none is recorded', async () => {
    const holder = await running.bench.issueCard({ way: 'B' });
    expect((await running.bench.pressForm(holder, { confirmed: true })).status).toBe(200);
    expect(await overrides(holder)).toEqual([{ act: 'accept', unusual_id_confirmed: false }]);
  });

  const overrides = ({ sample }: Holder) =>
    running.bench.sql('select act, unusual_id_confirmed from evidence where card_number = $1', [sample.cardNumber]);
});

describe('way B after a lost answer', () => {
  it('goes on with the user code that was just set, or with the same form; the representative opens nothing more', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    await bench.pressForm(holder);
    const other = { newUserCode: 'Other#26', newUserCodeAgain: 'Other#26' };
    expect(await bench.pressForm(holder, other)).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect((await bench.pressWith(holder, 'A', { userCode: FORM.newUserCode })).status).toBe(403);
    expect((await bench.pressForm(holder)).status).toBe(200);
    const resumed = await bench.pressWith(holder, 'B', { userCode: FORM.newUserCode });
    expect(resumed.status).toBe(200);
    expect(await jobsOf(holder)).toBe(3);
    expect(await bench.events('credential.set', holder)).toHaveLength(1);
    expect(await bench.events('contact.changed', holder)).toHaveLength(1);
    expect(await finish(holder, resumed)).toMatchObject({ status: 200 });
    expect((await bench.pressForm(holder)).body.type).toBe('urn:kaika:error:cardNotActivatable');
  });

  it.each([
    ['verifier', 'insert', 'true'],
    ['outbox', 'insert', `new.value::text like '%contact.changed%'`],
    ['card', 'update', 'new.live_job is not null'],
  ] as const)('sets all or nothing: the database fails at %s', async (table, operation, when) => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    const heal = await bench.refuseWrites(table, operation, when);
    expect((await bench.pressForm(holder)).status).toBe(500);
    await heal();
    expect(bench.centre.accepted.has(holder.sample.cardNumber)).toBe(true);
    expect(await verifiersOf(holder)).toEqual([{ kind: 'representative', generation: 1 }]);
    expect(await bench.sql('select 1 from outbox where key = $1', [holder.sample.cardNumber])).toEqual([]);
    expect(await jobsOf(holder)).toBe(0);
    const changed = { email: 'second@example.com', newUserCode: 'Second#2', newUserCodeAgain: 'Second#2' };
    expect((await bench.pressForm(holder, changed)).status).toBe(200);
    const [credential] = await bench.events('credential.set', holder);
    expect(await bench.isUserCode(credential!, 'Second#2')).toBe(true);
  });

  it('of the centre sets nothing until the centre has answered', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    bench.centre.broken = 'after';
    expect(await bench.pressForm(holder)).toMatchObject({ status: 503, body: { legacyCode: '3125' } });
    bench.centre.broken = undefined;
    expect(await verifiersOf(holder)).toEqual([{ kind: 'representative', generation: 1 }]);
    expect((await bench.pressForm(holder)).status).toBe(200);
  });

  it('or many at once, each with another code: one code is set, and whoever did not set it has no job', async () => {
    const { bench } = running;
    const holder = await bench.issueCard({ way: 'B' });
    const forms = [];
    for (let n = 0; n < 20; n++) {
      const session = await bench.begin(holder.sample.cardNumber, 'B');
      const code = `Code#${n}00`;
      const body = { proof: await holder.prove(session), ...FORM, newUserCode: code, newUserCodeAgain: code };
      forms.push({ session, code, body });
    }
    const answers = await Promise.all(
      forms.map(async ({ session, code, body }) => ({
        code,
        ...(await bench.post(`/${session.id}/acceptance`, body)),
      })),
    );
    const accepted = answers.filter(({ status }) => status === 200);
    expect(accepted).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 403, 409, 429].includes(status))).toBe(true);
    expect(await jobsOf(holder)).toBe(1);
    const [credential, ...further] = await bench.events('credential.set', holder);
    expect(further).toEqual([]);
    expect(await bench.isUserCode(credential!, accepted[0]!.code)).toBe(true);
  });
});
