import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Answer, issuedOf, USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const running = withAcceptance();
beforeEach(async () => {
  await running.bench.sql('delete from attempt');
  running.bench.clock.set(0);
});

const attemptsOf = async ({ sample }: Holder) =>
  (await running.bench.sql<{ failures: number }>('select failures from attempt where subject = $1', [sample.cardNumber]))[0]?.failures ?? 0; // prettier-ignore
const isReleased = async ({ sample }: Holder) =>
  (await running.bench.sql<{ jobs_released: number }>('select jobs_released from card where card_number = $1', [sample.cardNumber]))[0]!.jobs_released > 0; // prettier-ignore
const withoutTimes = ({ status, body }: Answer) => ({ status, body });

describe('starting', () => {
  it('answers the same for a known card, an unknown one, and one of the other way', async () => {
    const known = await running.bench.issueCard();
    const wayB = await running.bench.issueCard({ way: 'B' });
    for (const cardNumber of [
      known.sample.cardNumber,
      wayB.sample.cardNumber,
      'TT99999999999999',
      'TTAJ000000000321',
    ]) {
      for (const way of ['A', 'B'] as const) {
        const { id, nonce, ...rest } = await running.bench.begin(cardNumber, way);
        expect(rest).toEqual({});
        expect(Buffer.from(nonce, 'base64url')).toHaveLength(32);
        expect(await running.bench.state(id)).toBe('started');
      }
    }
  });

  it('forgets sessions that nobody went on with', async () => {
    running.bench.clock.set(-7_200_000);
    const { id } = await running.bench.begin('TT99999999999999');
    running.bench.clock.set(0);
    expect(await running.bench.state(id)).toBe('ended');
    await running.bench.begin('TT99999999999999');
    expect(await running.bench.sql('select 1 from activation where id = $1', [id])).toEqual([]);
  });

  it('takes nothing but a card number and a way', async () => {
    for (const body of [
      { cardNumber: 'X', way: 'A' },
      { cardNumber: 'TT99999999999999', way: 'C' },
      { way: 'A' },
      [],
    ]) {
      expect((await running.bench.post('', body)).status).toBe(400);
    }
  });
});

describe('a proof', () => {
  it('is refused, before anything secret is looked at, unless every element is this session’s and this card’s', async () => {
    const [holder, other] = [await running.bench.issueCard(), await running.bench.issueCard()];
    const elsewhere = await running.bench.begin(holder.sample.cardNumber);
    const changes = [
      { purpose: 'pin-reset' as const },
      { origin: 'https://portal.example.evil.example' },
      { origin: 'https://portal.example/' },
      { session: elsewhere.id },
      { nonce: Buffer.from(elsewhere.nonce, 'base64url') },
      { cardUuid: other.sample.cardUuid },
      { cardNumber: other.sample.cardNumber },
      { signatureCertificateSha256: Buffer.alloc(32) },
      { encryptionCertificateSha256: Buffer.alloc(32) },
      {
        ephemeralKey: generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
          format: 'der',
          type: 'spki',
        }),
      },
      { ephemeralKey: Buffer.alloc(91) },
    ];
    const calls = running.bench.centre.calls;
    for (const change of changes) {
      const session = await running.bench.begin(holder.sample.cardNumber);
      const answer = await running.bench.accept(session, await holder.prove(session, change), 'wrong-code');
      expect({ change, ...answer }).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:proofRefused' } });
    }
    expect(await attemptsOf(holder)).toBe(0);
    expect(running.bench.centre.calls).toBe(calls);
    expect(await isReleased(holder)).toBe(false);
  });

  it('holds for the agent’s key it was signed with, and for no other', async () => {
    const holder = await running.bench.issueCard();
    const session = await running.bench.begin(holder.sample.cardNumber);
    const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' });
    const proof = { ...(await holder.prove(session)), ephemeralKey: thief.toString('base64url') };
    expect((await running.bench.accept(session, proof)).body.type).toBe('urn:kaika:error:proofRefused');
  });

  it('of another card is refused', async () => {
    const [holder, other] = [await running.bench.issueCard(), await running.bench.issueCard()];
    const session = await running.bench.begin(holder.sample.cardNumber);
    const { signature } = await other.prove(session, { cardNumber: holder.sample.cardNumber });
    const proof = { ...(await holder.prove(session)), signature };
    expect((await running.bench.accept(session, proof)).body.type).toBe('urn:kaika:error:proofRefused');
  });

  it('for an unknown card is refused in the same words', async () => {
    const [known, unknown] = [await running.bench.issueCard(), await running.bench.makeCard()];
    const ofUnknown = await running.bench.press(unknown);
    const session = await running.bench.begin(known.sample.cardNumber);
    const ofKnown = await running.bench.accept(session, await known.prove(session, { purpose: 'unlock' }));
    expect(withoutTimes(ofUnknown)).toEqual(ofKnown);
  });

  it('serves once: replayed it is refused, whatever came of it the first time', async () => {
    const holder = await running.bench.issueCard();
    for (const [code, first] of [
      ['wrong-code', 403],
      [USER_CODE, 200],
    ] as const) {
      const session = await running.bench.begin(holder.sample.cardNumber);
      const proof = await holder.prove(session);
      expect((await running.bench.accept(session, proof, code)).status).toBe(first);
      expect((await running.bench.accept(session, proof)).status).toBe(410);
    }
  });

  it('is too late after 120 seconds', async () => {
    const holder = await running.bench.issueCard();
    for (const [age, status] of [
      [121_000, 410],
      [100_000, 200],
    ] as const) {
      running.bench.clock.set(-age);
      const session = await running.bench.begin(holder.sample.cardNumber);
      running.bench.clock.set(0);
      expect((await running.bench.accept(session, await holder.prove(session))).status).toBe(status);
    }
  });

  it('that is no proof at all uses up no nonce', async () => {
    const holder = await running.bench.issueCard();
    const session = await running.bench.begin(holder.sample.cardNumber);
    const proof = await holder.prove(session);
    for (const bad of [{}, null, { ...proof, extra: 1 }, { ...proof, nonce: 'x' }, { ...proof, purpose: 'x' }]) {
      expect((await running.bench.accept(session, bad)).status).toBe(400);
    }
    expect((await running.bench.accept(session, proof, 'täg')).status).toBe(400);
    expect((await running.bench.accept(session, proof)).status).toBe(200);
  });
});

describe('a wrong code', () => {
  it('is answered as the wrong way and a card without a code are', async () => {
    const [holder, wayB, codeless] = [
      await running.bench.issueCard(),
      await running.bench.issueCard({ way: 'B' }),
      await running.bench.makeCard(),
    ];
    await running.bench.deliver('certificate.issued', issuedOf(codeless.sample, 'A'));
    const otherWay = await running.bench.begin(holder.sample.cardNumber, 'B');
    const answers = [
      await running.bench.press(holder, 'wrong-code'),
      await running.bench.press(wayB),
      await running.bench.press(codeless),
      await running.bench.accept(otherWay, await holder.prove(otherWay)),
    ];
    for (const answer of answers) expect(withoutTimes(answer)).toEqual(withoutTimes(answers[0]!));
    expect(answers[0]).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    for (const card of [holder, wayB, codeless]) expect(await isReleased(card)).toBe(false);
  });

  it('is told before that the card is revoked', async () => {
    const holder = await running.bench.issueCard();
    running.bench.centre.refuse.set(holder.sample.cardNumber, 'cardRevoked');
    expect((await running.bench.press(holder, 'wrong-code')).body.legacyCode).toBe('3005');
    expect((await running.bench.press(holder)).body.legacyCode).toBe('4931');
  });

  it('costs waiting after a few, also for the right one; success forgets', async () => {
    const holder = await running.bench.issueCard();
    running.bench.clock.set(-3_600_000);
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await running.bench.press(holder, `wrong-${n}`)).status);
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    expect(await running.bench.press(holder)).toMatchObject({ status: 429, body: { retryAfterSeconds: 5 } });
    expect(await attemptsOf(holder)).toBe(3);
    running.bench.clock.set(0);
    expect((await running.bench.press(holder)).status).toBe(200);
    expect(await attemptsOf(holder)).toBe(0);
  });

  it('has case-sensitive letters, and a newer code replaces the older', async () => {
    const holder = await running.bench.issueCard();
    const { cardNumber } = holder.sample;
    expect((await running.bench.press(holder, USER_CODE.toLowerCase())).status).toBe(403);
    await running.bench.deliver('credential.set', await running.bench.credential(cardNumber, 'Second#26', 2));
    expect((await running.bench.press(holder)).status).toBe(403);
    expect((await running.bench.press(holder, 'Second#26')).status).toBe(200);
  });
});
