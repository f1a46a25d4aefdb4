import { beforeEach, describe, expect, it } from '@jest/globals';
import { USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const running = withAcceptance();
beforeEach(async () => {
  await running.bench.sql('delete from attempt');
  running.bench.clock.set(0);
});

const NEW = 'Newer#26';
const put = (cardNumber: string, userCode: string, newUserCode = NEW) =>
  running.bench.call('PUT', `/cards/${cardNumber}/user-code`, { userCode, newUserCode, newUserCodeAgain: newUserCode });
const change = ({ sample }: Holder, userCode = USER_CODE, newUserCode = NEW) =>
  put(sample.cardNumber, userCode, newUserCode);
const generationOf = async ({ sample }: Holder) =>
  (await running.bench.sql('select generation from verifier where card_number = $1', [sample.cardNumber]))[0];

describe('changing a user code', () => {
  it('takes the old one and the new one, which counts from then on, here and at suspension', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const answer = await change(holder);
    expect(answer).toMatchObject({ status: 200, body: { cardNumber: holder.sample.cardNumber } });
    expect((await bench.press(holder, USER_CODE)).status).toBe(403);
    expect((await bench.press(holder, NEW)).status).toBe(200);
    expect((await change(holder, USER_CODE, 'Third#26')).body.legacyCode).toBe('3005');
    expect((await change(holder, NEW, 'Third#26')).status).toBe(200);
    const sent = await bench.events('credential.set', holder);
    expect(sent.map(({ kind, generation }) => [kind, generation])).toEqual([
      ['user-code', 2],
      ['user-code', 3],
    ]);
    expect(await bench.isUserCode(sent[0]!, NEW)).toBe(true);
    expect(await bench.isUserCode(sent[1]!, 'Third#26')).toBe(true);
  });

  it('comes back through the bus, and an older code that comes late changes nothing', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await change(holder);
    const [sent] = await bench.events('credential.set', holder);
    await bench.deliver('credential.set', sent!);
    await bench.deliver('credential.set', await bench.credential(holder.sample.cardNumber, USER_CODE, 1));
    expect(await generationOf(holder)).toEqual({ generation: 2 });
    expect((await bench.press(holder, NEW)).status).toBe(200);
    expect(await bench.sql('select 1 from dead_letter')).toEqual([]);
  });

  it('answers 3005 for a wrong code, an unknown card, a card without a code and one that only issuance knows', async () => {
    const { bench } = running;
    const [holder, wayB] = [await bench.issueCard(), await bench.issueCard({ way: 'B' })];
    const unborn = bench.newCardNumber();
    await bench.deliver('credential.set', await bench.credential(unborn, USER_CODE));
    const answers = [
      await change(holder, 'wrong-1'),
      await change(holder, USER_CODE.toUpperCase()),
      await put('TT99999999999999', USER_CODE),
      await change(wayB, 'A123456789'),
      await put(unborn, USER_CODE),
    ];
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect(await generationOf(holder)).toEqual({ generation: 1 });
    expect(await bench.sql(`select 1 from outbox where topic = 'kaika.credential.v1' and key = any($1)`, [[holder.sample.cardNumber, wayB.sample.cardNumber, unborn]])).toEqual([]); // prettier-ignore
  });

  it('says 4931 of a revoked card to who knows its code, and changes nothing', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.revoke(holder.sample.cardNumber);
    expect((await change(holder, 'wrong-1')).body.legacyCode).toBe('3005');
    expect(await change(holder)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
    expect(await generationOf(holder)).toEqual({ generation: 1 });
  });

  it('is locked after ten failures, and nothing else is: the card can still be opened', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const statuses: number[] = [];
    for (let n = 0; n < 11; n++) {
      bench.clock.set(-86_400_000 + n * 1_000_000);
      await bench.sql(`delete from attempt where counter = 'source'`);
      statuses.push((await change(holder, `wrong-${n}`)).status);
    }
    expect(statuses).toEqual(Array<number>(11).fill(403));
    expect((await change(holder)).body.type).toBe('urn:kaika:error:attemptsLocked');
    expect((await bench.press(holder)).status).toBe(200);
  });

  it('sent a hundred times at once has one effect', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const answers = await Promise.all(Array.from({ length: 100 }, () => change(holder)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 403, 409, 429, 503].includes(status))).toBe(true);
    expect(await generationOf(holder)).toEqual({ generation: 2 });
    expect(await bench.events('credential.set', holder)).toHaveLength(1);
  });

  it('is all or nothing when the database fails', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    for (const table of ['outbox', 'verifier']) {
      const heal = await bench.refuseWrites(table, 'insert');
      expect((await change(holder)).status).toBe(500);
      await heal();
      expect(await generationOf(holder)).toEqual({ generation: 1 });
    }
    expect(await bench.events('credential.set', holder)).toEqual([]);
    expect((await change(holder)).status).toBe(200);
  });
});
