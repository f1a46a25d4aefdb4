import { verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { issuedOf, USER_CODE, withAcceptance } from '../acceptance.fixture.js';
import type { Holder } from '../holder.fixture.js';

const PIN = '13579246';
const running = withAcceptance();

const openJob = (holder: Holder, job: unknown, session: string) =>
  holder.openJob(job, session, running.bench.jobKey, running.bench.clock.now());
const cardOf = async ({ sample }: Holder) =>
  (await running.bench.sql('select * from card where card_number = $1', [sample.cardNumber]))[0]!;
const outboxOf = ({ sample }: Holder) =>
  running.bench.sql<{ topic: string; value: string }>('select topic, value from outbox where key = $1', [
    sample.cardNumber,
  ]);

describe('an activation by way A', () => {
  it('goes from the card’s proof to the signature of the holder’s own PIN, once', async () => {
    const holder = await running.bench.issueCard({ signatureKey: 'rsa-2048' });
    const { session, status, body } = await running.bench.press(holder);
    expect({ status, body }).toMatchObject({ status: 200, body: { state: 'accepted' } });
    expect(await running.bench.state(session.id)).toBe('accepted');
    const job = await openJob(holder, body.pinJob, session.id);
    expect(job).toMatchObject({ transportPin: holder.transportPin, earlierJob: false });
    expect(await holder.changePin(job.transportPin, PIN)).toEqual({ ok: true });
    const signature = await holder.confirm(PIN, session, body.nonce);
    for (let n = 0; n < 2; n++) {
      expect(await running.bench.complete(session, signature)).toEqual({ status: 200, body: { state: 'activated' } });
    }
    expect(await running.bench.state(session.id)).toBe('activated');

    const events = await outboxOf(holder);
    expect(events).toHaveLength(1);
    expect(events[0]!.topic).toBe('kaika.acceptance.v1');
    expect(JSON.parse(events[0]!.value)).toMatchObject({
      type: 'card.activated',
      data: { cardNumber: holder.sample.cardNumber, activation: session.id },
    });
  });

  it('leaves evidence that anybody can check, and that the service itself can’t change', async () => {
    const holder = await running.bench.issueCard();
    await activate(holder);
    const rows = await running.bench.sql<{ slot: string; signed: Buffer; signature: Buffer }>(
      'select slot, signed, signature from evidence where card_number = $1 order by id',
      [holder.sample.cardNumber],
    );
    expect(rows.map((row) => row.slot)).toEqual(['9E', '9C']);
    const certificates = { '9E': holder.sample.cardCertificate, '9C': holder.sample.signatureCertificate };
    for (const { slot, signed, signature } of rows) {
      const { publicKey } = new X509Certificate(certificates[slot as '9E' | '9C']);
      expect(verify('sha256', signed, publicKey, signature)).toBe(true);
    }
    const [rights] = await running.bench.sql(
      `select has_table_privilege('kaika_acceptance_app', 'evidence', 'insert') as add,
              has_table_privilege('kaika_acceptance_app', 'evidence', 'update') as change,
              has_table_privilege('kaika_acceptance_app', 'evidence', 'delete') as remove`,
    );
    expect(rights).toEqual({ add: true, change: false, remove: false });
  });

  it('is refused for an activated card, but only to who has card and code', async () => {
    const holder = await running.bench.issueCard();
    await activate(holder);
    expect(await running.bench.press(holder, 'wrong-1')).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect((await running.bench.press(holder)).body.type).toBe('urn:kaika:error:cardNotActivatable');
  });

  it('says 4931 of an activated card that was revoked, again only to who has card and code', async () => {
    const holder = await running.bench.issueCard();
    await activate(holder);
    running.bench.centre.refuse.set(holder.sample.cardNumber, 'cardRevoked');
    expect(await running.bench.press(holder, 'wrong-1')).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect(await running.bench.press(holder)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
  });
});

describe('the bus', () => {
  it('brings what is known of cards, and takes the event away', async () => {
    const { bench } = running;
    const holder = await bench.makeCard();
    const { cardNumber } = holder.sample;
    await bench.publish('certificate.issued', issuedOf(holder.sample, 'A'));
    await bench.publish('credential.set', await bench.credential(cardNumber, USER_CODE));
    await until(async () => {
      const known = 'select 1 from card join verifier using (card_number) where card_number = $1';
      return (await bench.sql(known, [cardNumber])).length > 0;
    });
    await activate(holder);
    await until(async () => (await bench.published('kaika.acceptance.v1')).some((value) => value.includes(cardNumber)));
  });
});

describe('a lost answer', () => {
  it('to the acceptance is made good by pressing again: a new job, and the older one completes nothing', async () => {
    const holder = await running.bench.issueCard();
    const first = await running.bench.press(holder);
    const firstProof = holder.proofSignature;
    const second = await running.bench.press(holder);
    expect(await running.bench.state(first.session.id)).toBe('ended');
    const jobs = [
      await openJob(holder, first.body.pinJob, first.session.id),
      await openJob(holder, second.body.pinJob, second.session.id),
    ];
    expect(jobs.map((job) => job.earlierJob)).toEqual([false, true]);
    expect((await cardOf(holder)).live_job).toBe(jobs[1]!.jobId);
    await holder.changePin(holder.transportPin, PIN);
    const late = await holder.confirm(PIN, first.session, first.body.nonce, firstProof);
    expect(await running.bench.complete(first.session, late)).toMatchObject({ status: 410 });
    const signature = await holder.confirm(PIN, second.session, second.body.nonce);
    expect(await running.bench.complete(second.session, signature)).toMatchObject({ status: 200 });
    expect(await running.bench.complete(first.session, late)).toMatchObject({ status: 410 });
    expect(await outboxOf(holder)).toHaveLength(1);
  });

  it('to the acceptance keeps the time of the first', async () => {
    const holder = await running.bench.issueCard();
    await running.bench.press(holder);
    const before = (await cardOf(holder)).accepted_at;
    running.bench.centre.accepted.get(holder.sample.cardNumber)!.acceptedAt = '2026-11-21T03:00:00.000Z';
    await running.bench.press(holder);
    expect((await cardOf(holder)).accepted_at).toEqual(before);
  });
});

describe('a completion', () => {
  it('needs the card’s own 9C signature over this session and this proof', async () => {
    const [holder, other] = [await running.bench.issueCard(), await running.bench.issueCard()];
    const mine = await running.bench.press(holder);
    const theirs = await running.bench.press(other);
    const wrong = [
      await other.confirm(other.transportPin, mine.session, mine.body.nonce, holder.proofSignature),
      await holder.confirm(holder.transportPin, mine.session, mine.body.nonce, other.proofSignature),
      await holder.confirm(holder.transportPin, mine.session, mine.session.nonce),
      await holder.confirm(holder.transportPin, theirs.session, mine.body.nonce),
      Buffer.alloc(70).toString('base64url'),
    ];
    for (const signature of wrong) {
      expect((await running.bench.complete(mine.session, signature)).body.type).toBe('urn:kaika:error:proofRefused');
    }
    expect(await running.bench.state(mine.session.id)).toBe('accepted');
  });

  it('is refused before the acceptance, for no session, and for what is no signature', async () => {
    const holder = await running.bench.issueCard();
    const session = await running.bench.begin(holder.sample.cardNumber);
    const signature = Buffer.alloc(70).toString('base64url');
    expect(await running.bench.complete(session, signature)).toMatchObject({ status: 409 });
    expect(await running.bench.complete({ id: '7f4f4bd2-7b1d-4c0f-8a51-7f43bd5f1c11' }, signature)).toMatchObject({
      status: 404,
    });
    expect(await running.bench.complete(session, 'not base64!')).toMatchObject({ status: 400 });
    expect(await running.bench.complete({ id: 'x' }, signature)).toMatchObject({ status: 400 });
  });
});

async function activate(holder: Holder): Promise<void> {
  const { session, body } = await running.bench.press(holder);
  const { transportPin } = await openJob(holder, body.pinJob, session.id);
  await holder.changePin(transportPin, PIN);
  const answer = await running.bench.complete(session, await holder.confirm(PIN, session, body.nonce));
  expect(answer).toEqual({ status: 200, body: { state: 'activated' } });
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await check())) if (performance.now() > deadline) throw new Error('it did not happen within 15 s');
}
