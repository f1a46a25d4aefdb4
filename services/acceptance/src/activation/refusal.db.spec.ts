import { beforeEach, describe, expect, it } from '@jest/globals';
import { REPRESENTATIVE, USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const running = withAcceptance();
beforeEach(() => running.bench.sql('delete from attempt'));

const WRONG = "公司名稱寫錯了：\n應為「光年」，不是「光陰」 <b>'; drop table card; --</b>";
const refuse = (holder: Holder, way: 'A' | 'B', person: object, whatIsWrong: unknown = WRONG) =>
  running.bench.pressWith(holder, way, { ...person, whatIsWrong }, 'refusal');
const evidenceOf = ({ sample }: Holder) =>
  running.bench.sql('select act, slot, unusual_id_confirmed from evidence where card_number = $1', [sample.cardNumber]);

describe('資料不正確', () => {
  it.each([
    ['A', { userCode: USER_CODE }],
    ['B', REPRESENTATIVE],
  ] as const)('by way %s opens a case in the holder’s words, and accepts nothing', async (way, person) => {
    const { bench } = running;
    const holder = await bench.issueCard({ way });
    const calls = bench.centre.calls;
    const { session, status, body } = await refuse(holder, way, person, `  ${WRONG.replace('\n', '\r\n')} `);
    expect({ status, body }).toEqual({ status: 200, body: { state: 'refused' } });
    expect(bench.centre.calls).toBe(calls);
    expect(await bench.state(session.id)).toBe('refused');
    const [event, ...further] = await bench.events('certificate.refused', holder);
    expect(further).toEqual([]);
    expect(event).toMatchObject({ cardNumber: holder.sample.cardNumber, activation: session.id });
    expect(await bench.unseal('certificate.refused', event!)).toEqual({ whatIsWrong: WRONG });
    expect(await evidenceOf(holder)).toEqual([{ act: 'refuse', slot: '9E', unusual_id_confirmed: false }]);
    expect(await bench.sql('select 1 from card where card_number = $1 and accepted_at is not null', [holder.sample.cardNumber])).toEqual([]); // prettier-ignore
  });

  it('pressed again has the same answer, and is reported once', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const session = await bench.begin(holder.sample.cardNumber);
    const body = { proof: await holder.prove(session), userCode: USER_CODE, whatIsWrong: WRONG };
    const press = () => bench.post(`/${session.id}/refusal`, body);
    const answers = await Promise.all(Array.from({ length: 100 }, press));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => [200, 410].includes(status))).toBe(true);
    expect(await press()).toEqual({ status: 200, body: { state: 'refused' } });
    expect(await bench.events('certificate.refused', holder)).toHaveLength(1);
    expect(await bench.post(`/${session.id}/acceptance`, { proof: body.proof, userCode: USER_CODE })).toMatchObject({
      status: 410,
    });
    expect(await bench.complete(session, Buffer.alloc(70).toString('base64url'))).toMatchObject({ status: 409 });
    expect(await bench.state(session.id)).toBe('refused');
  });

  it('leaves the card as it was: a holder who was mistaken starts again', async () => {
    const holder = await running.bench.issueCard();
    await refuse(holder, 'A', { userCode: USER_CODE });
    expect((await running.bench.press(holder)).status).toBe(200);
  });

  it('comes too late for a card that was accepted', async () => {
    const { bench } = running;
    const holder = await bench.issueCard();
    await bench.press(holder);
    expect(await refuse(holder, 'A', { userCode: USER_CODE })).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:cardNotActivatable' },
    });
    expect(await bench.events('certificate.refused', holder)).toEqual([]);
    expect((await evidenceOf(holder)).map(({ act }) => act)).toEqual(['accept']);
  });

  it('needs the card and the person; 4931 is for who has both', async () => {
    const { bench } = running;
    const [holder, other] = [await bench.issueCard({ way: 'B' }), await bench.issueCard({ way: 'B' })];
    await bench.revoke(holder.sample.cardNumber);
    const session = await bench.begin(holder.sample.cardNumber, 'B');
    const { signature } = await other.prove(session, { cardNumber: holder.sample.cardNumber });
    const proof = { ...(await holder.prove(session)), signature };
    const body = { proof, ...REPRESENTATIVE, whatIsWrong: WRONG };
    expect((await bench.post(`/${session.id}/refusal`, body)).body.type).toBe('urn:kaika:error:proofRefused');
    for (const [way, person] of [
      ['B', { ...REPRESENTATIVE, birthDate: '0760222' }],
      ['A', REPRESENTATIVE],
      ['B', { userCode: USER_CODE }],
    ] as const) {
      expect(await refuse(holder, way, person)).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    }
    await bench.sql('delete from attempt');
    expect(await refuse(holder, 'B', REPRESENTATIVE)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
    expect(await bench.events('certificate.refused', holder)).toEqual([]);
  });

  it('asks for 是 at an unusual national ID, and records it', async () => {
    const { bench } = running;
    const nationalId = 'PASSPORT 77';
    const holder = await bench.issueCard({ way: 'B', nationalId });
    const person = { ...REPRESENTATIVE, nationalId };
    expect((await refuse(holder, 'B', person)).body).toMatchObject({ confirmable: true });
    expect((await refuse(holder, 'B', { ...person, confirmed: true })).status).toBe(200);
    expect(await evidenceOf(holder)).toEqual([{ act: 'refuse', slot: '9E', unusual_id_confirmed: true }]);
  });

  it.each(['evidence', 'outbox'])('is all or nothing: the database fails at %s', async (table) => {
    const { bench } = running;
    const holder = await bench.issueCard();
    const heal = await bench.refuseWrites(table, 'insert');
    const { session, status } = await refuse(holder, 'A', { userCode: USER_CODE });
    expect(status).toBe(500);
    await heal();
    expect(await bench.state(session.id)).toBe('started');
    expect(await evidenceOf(holder)).toEqual([]);
    expect((await refuse(holder, 'A', { userCode: USER_CODE })).status).toBe(200);
    expect(await bench.events('certificate.refused', holder)).toHaveLength(1);
  });
});
