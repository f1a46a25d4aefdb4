import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureSecretKey, openRecord, sealRecord } from '#libs/credentials';
import { migrate, withTestDatabase } from '#libs/database';
import { Housekeeping } from '#libs/host';
import { issuance } from '../index.js';
import { IssuanceBench, USER_CODE } from '../issuance.fixture.js';

let bench: IssuanceBench;
// Hooks run in this order: the service ends before its database.
afterAll(() => bench?.stop());
const database = withTestDatabase();
let sample: string;

const LETTER = {
  errorMessage: '登入時顯示 27011',
  contact: { name: '周測試', phone: '02-8765-4321#9', address: '臺南市測試路五號' },
};
const PERSONAL = { representative: { name: '林測試' }, contact: { email: 'contact@example.com' } };
const DAY_MS = 86_400_000;

beforeAll(async () => {
  bench = await IssuanceBench.start(database);
  sample = await bench.assignedCard();
}, 60_000);

type Slip = { caseNumber: string; slipCode: string; slip: { 'zh-TW': { title: string; lines: string[] } } };
const post = (path: string, body: unknown, role: 'ca-operator' | 'ca-officer' = 'ca-operator', subject = 'wang') =>
  bench.call('POST', `/api/v1${path}`, { body, role, subject });
const announce = async (cardNumber: string): Promise<Slip> => {
  const { status, body } = await bench.call('POST', '/api/v1/card-returns', { body: { cardNumber, ...LETTER } });
  expect(status).toBe(201);
  return body as unknown as Slip;
};
const progress = (caseNumber: string, code: string) =>
  bench.call('GET', `/api/v1/card-returns/${caseNumber}/progress`, { headers: { 'x-slip-code': code } });
const file = async (caseNumber: string) => (await bench.operate(`/card-returns/${caseNumber}`)).body;

/** A card in its holder's hands, as the tables have it: making one is another file's subject. */
async function issuedCard(changes: { notAfter?: string; way?: 'B' } = {}): Promise<string> {
  const cardNumber = await bench.quickCard(sample);
  const caseNumber = `copy for ${cardNumber}`;
  const dataKey = ensureSecretKey(bench.file('data-key'));
  await bench.source.query('update application set personal = $2 where case_number = $1', [
    caseNumber,
    await sealRecord(dataKey, { table: 'application', id: caseNumber }, PERSONAL),
  ]);
  if (changes.way === 'B') {
    await bench.source.query(
      `update application set way = 'B', representative_verifier = verifier, verifier = null, office = 'office-1',
              office_case = case_number, office_request = 'hash', push = 'sealed'
       where case_number = $1`,
      [caseNumber],
    );
  }
  await bench.source.query(
    `update card set state = 'dispatched', issued_at = now(), dispatched_at = now(), registered_mail = '123456'
     where card_number = $1`,
    [cardNumber],
  );
  const serial = `1${cardNumber.slice(2).padStart(31, '0')}`;
  await bench.source.query('insert into serial (serial) values ($1)', [serial]);
  await bench.source.query(
    `insert into certificate (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, der, intended_at)
     values ($1, $2, '9C', 'AA', 'written', '', now(), $3, '', '', now())`,
    [serial, cardNumber, changes.notAfter ?? '2040-01-01T15:59:59Z'],
  );
  return cardNumber;
}

async function arrived(cardNumber: string): Promise<Slip> {
  const slip = await announce(cardNumber);
  expect(await post(`/card-returns/${slip.caseNumber}/receipt`, { cardNumber })).toMatchObject({
    status: 200,
    body: { state: 'received', cardNumber, receivedBy: 'wang' },
  });
  return slip;
}

async function identified(cardNumber: string): Promise<Slip> {
  const slip = await arrived(cardNumber);
  await post(`/card-returns/${slip.caseNumber}/identification`, { cardNumber });
  return slip;
}

const ask = (caseNumber: string, outcome: string, by = 'anna') =>
  post(`/card-returns/${caseNumber}/outcome`, { outcome, ground: '檢測紀錄 1 號' }, 'ca-officer', by);
const approve = (id: unknown, by = 'ben') => post(`/card-return-requests/${String(id)}/approval`, {}, 'ca-officer', by);
async function decided(caseNumber: string, outcome: string) {
  const { body } = await ask(caseNumber, outcome);
  return approve(body['id']);
}
const sendBack = (caseNumber: string, registeredMail = '98765432109876') =>
  post(`/card-returns/${caseNumber}/dispatch`, { registeredMail });
const unlock = (cardNumber: string, at = bench.clock.now()) =>
  bench.receive('card.unlocked', {
    ...{ cardNumber, transportGeneration: 2, pukGeneration: 2 },
    at: at.toISOString(),
  });

describe('a slip', () => {
  it('has a case number with a check digit, a code, and the words that go with the card', async () => {
    const { caseNumber, slipCode, slip } = await announce('TT00000000000999');
    expect(caseNumber).toMatch(/^R1\d\d\d{10}$/);
    const text = slip['zh-TW'].lines.join('\n');
    for (const part of [slipCode, LETTER.errorMessage, ...Object.values(LETTER.contact)]) expect(text).toContain(part);
    expect(JSON.stringify(slip)).not.toMatch(/undefined|null/);
  });

  it('is made for any card number, and tells nothing of it', async () => {
    const [known, unknown] = [await announce(await issuedCard()), await announce('ZZ00000000000000')];
    const blank = ({ caseNumber, slipCode }: Slip) => (text: string) =>
      text.replaceAll(caseNumber, '').replaceAll(slipCode, '').replace(/R1\d\d-\d{5}-\d{5}/g, '').replace(/[A-Z]{2}\d{14}/g, ''); // prettier-ignore
    expect(blank(known)(JSON.stringify(known))).toEqual(blank(unknown)(JSON.stringify(unknown)));
  });

  it('opens the progress of its case by its code alone, with the same answer for a wrong one and for no case', async () => {
    const { caseNumber, slipCode } = await announce(await issuedCard());
    expect(await progress(caseNumber, slipCode.toLowerCase().replace('-', ''))).toMatchObject({
      status: 200,
      body: { caseNumber, state: 'announced', outcome: null, registeredMail: null },
    });
    const wrong = await progress(caseNumber, '00000-00000');
    const none = await progress('R1150000000018', slipCode);
    for (const { status, body } of [wrong, none]) {
      expect({ status, legacyCode: body['legacyCode'], detail: body['detail'] }).toEqual({ status: 403, legacyCode: '3005', detail: wrong.body['detail'] }); // prettier-ignore
    }
    expect((await bench.call('GET', `/api/v1/card-returns/${caseNumber}/progress`)).status).toBe(400);
  });

  it('is never locked, however often a stranger guesses: its code opens it after the longest delay', async () => {
    const { caseNumber, slipCode } = await announce(await issuedCard());
    bench.clock.set(-12 * 900_000);
    for (let guess = 1; guess <= 12; guess += 1) {
      expect((await progress(caseNumber, '00000-00000')).status).toBe(403);
      await bench.source.query(`delete from attempt where counter = 'source'`);
      bench.clock.set((guess - 12) * 900_000);
    }
    expect((await progress(caseNumber, slipCode)).status).toBe(200);
  });

  it('keeps its letter sealed, and out of the log', async () => {
    const { caseNumber, slipCode } = await announce('TT00000000000998');
    const stored = await bench.everythingStored();
    for (const secret of [slipCode, ...Object.values(LETTER.contact), LETTER.errorMessage]) {
      expect(stored).not.toContain(secret);
      expect(bench.log).not.toContain(secret);
    }
    expect(await file(caseNumber)).toMatchObject({ letter: LETTER });
  });
});

describe('a card that came in', () => {
  it('is taken in under the number printed on it, once, and its holder is told', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber } = await announce('TT00000000000997');
    const first = await post(`/card-returns/${caseNumber}/receipt`, { cardNumber });
    expect(first).toMatchObject({ status: 200, body: { state: 'received', cardNumber } });
    expect((await post(`/card-returns/${caseNumber}/receipt`, { cardNumber })).body).toEqual(first.body);
    const second = await announce(cardNumber);
    expect(await post(`/card-returns/${second.caseNumber}/receipt`, { cardNumber })).toMatchObject({
      status: 409,
      body: { caseNumber },
    });
    const notices = await bench.operate(`/notices?cardNumber=${cardNumber}`);
    expect((notices.body['items'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(['card-return-received']);
  });

  it('is refused by name when no such card was issued', async () => {
    const { caseNumber } = await announce('TT00000000000996');
    const blank = await bench.quickCard(sample);
    for (const cardNumber of ['TT00000000000996', blank]) {
      expect(await post(`/card-returns/${caseNumber}/receipt`, { cardNumber })).toMatchObject({ status: 404 });
    }
  });

  it('taken in under one number by many at once is taken in once', async () => {
    const cardNumber = await issuedCard();
    const slips = await Promise.all(Array.from({ length: 5 }, () => announce(cardNumber)));
    const answers = await Promise.all(
      slips.map(({ caseNumber }) => post(`/card-returns/${caseNumber}/receipt`, { cardNumber })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
  });

  it('is identified by its 9E proof when acceptance unlocked it, or by the number of a dead one', async () => {
    const locked = await issuedCard();
    await bench.receive('card.locked', { cardNumber: locked, at: '2026-11-20T00:00:00Z' });
    const { caseNumber } = await arrived(locked);
    await unlock(locked);
    expect(await file(caseNumber)).toMatchObject({
      ...{ state: 'identified', identifiedHow: 'proof', identifiedBy: null, lockedAt: '2026-11-20T00:00:00.000Z' },
      unlockedAt: expect.any(String),
    });
    const dead = await issuedCard();
    const { caseNumber: other } = await arrived(dead);
    const wrong = await post(`/card-returns/${other}/identification`, { cardNumber: locked });
    expect(wrong.status).toBe(409);
    expect(await post(`/card-returns/${other}/identification`, { cardNumber: dead })).toMatchObject({
      body: { state: 'identified', identifiedHow: 'number', identifiedBy: 'wang' },
    });
  });
});

describe('what becomes of it', () => {
  it('is decided by two officers, never by one, nor by an operator', async () => {
    const { caseNumber } = await identified(await issuedCard());
    expect((await post(`/card-returns/${caseNumber}/outcome`, { outcome: 'found-sound', ground: 'x' })).status).toBe(
      403,
    );
    const { status, body } = await ask(caseNumber, 'found-sound');
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { state: 'open', outcome: 'found-sound', caseNumber },
    });
    expect(await approve(body['id'], 'anna')).toMatchObject({ status: 403 });
    const approved = await Promise.all(['ben', 'cleo', 'dan'].map((by) => approve(body['id'], by)));
    expect(new Set(approved.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(approved[0]).toMatchObject({ status: 200, body: { case: { state: 'decided', outcome: 'found-sound', askedBy: 'anna' } } }); // prettier-ignore
  });

  it('found sound, it goes back with a registered-mail number, and the slip shows it', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber, slipCode } = await identified(cardNumber);
    expect((await sendBack(caseNumber)).status).toBe(409);
    await decided(caseNumber, 'found-sound');
    expect((await file(caseNumber))['reply']).toMatchObject({ 'zh-TW': { title: '憑證 IC 卡檢測結果通知' } });
    const sent = await sendBack(caseNumber, ' 98-7654 32109876 ');
    expect(sent).toMatchObject({ status: 200, body: { state: 'sent-back', registeredMail: '98765432109876' } });
    expect((await sendBack(caseNumber)).body).toEqual(sent.body);
    expect((await sendBack(caseNumber, '11111111111111')).status).toBe(409);
    expect((await progress(caseNumber, slipCode)).body).toMatchObject({
      ...{ state: 'sent-back', outcome: 'found-sound', registeredMail: '98765432109876' },
    });
    // The same card may be sent in again.
    await arrived(cardNumber);
  });

  it('unlocked, it goes back only after acceptance has told so', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber } = await identified(cardNumber);
    await decided(caseNumber, 'unlocked');
    expect(await sendBack(caseNumber)).toMatchObject({ status: 409, body: { outcome: 'unlocked' } });
    await unlock(cardNumber);
    expect((await sendBack(caseNumber)).status).toBe(200);
    // An unlocking of another day is none of a later case.
    const { caseNumber: later } = await identified(cardNumber);
    await decided(later, 'unlocked');
    expect((await sendBack(later)).status).toBe(409);
  });

  it('unlocked for an earlier case, and told late, counts for none that lies here', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber } = await arrived(cardNumber);
    const receivedAt = new Date((await file(caseNumber))['receivedAt'] as string);
    await unlock(cardNumber, new Date(receivedAt.getTime() - 1));
    expect(await file(caseNumber)).toMatchObject({ state: 'received', identifiedHow: null, unlockedAt: null });
    await unlock(cardNumber, receivedAt);
    expect(await file(caseNumber)).toMatchObject({ state: 'identified', unlockedAt: receivedAt.toISOString() });
  });

  it('that was unlocked here is not found sound: neither asked for, approved nor sent back as such', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber } = await identified(cardNumber);
    const { body } = await ask(caseNumber, 'found-sound');
    await unlock(cardNumber);
    expect((await approve(body['id'])).status).toBe(409);
    expect((await ask(caseNumber, 'found-sound')).status).toBe(409);
    const other = await issuedCard();
    const { caseNumber: sound } = await identified(other);
    await decided(sound, 'found-sound');
    await unlock(other); // at acceptance, after the decision
    expect(await sendBack(sound)).toMatchObject({ status: 409, body: { outcome: 'found-sound' } });
    expect((await decided(sound, 'unlocked')).status).toBe(200);
    expect((await sendBack(sound)).status).toBe(200);
  });

  it('rejected or asked for another outcome, it may still be decided; defective is final', async () => {
    const cardNumber = await issuedCard();
    const { caseNumber } = await identified(cardNumber);
    const { body } = await ask(caseNumber, 'found-sound');
    expect(
      await post(`/card-return-requests/${String(body['id'])}/rejection`, { ground: 'dead' }, 'ca-officer', 'ben'),
    ).toMatchObject({ status: 200, body: { state: 'rejected' } });
    await decided(caseNumber, 'unlocked');
    await bench.stock(1);
    expect(await decided(caseNumber, 'defective')).toMatchObject({ status: 200 });
    expect((await ask(caseNumber, 'found-sound')).status).toBe(409);
  });
});

describe('a defective card', () => {
  it('is to be revoked, in one event with the new application: same holder, rank, verifier; a card from stock', async () => {
    const cardNumber = await issuedCard();
    await bench.stock(1);
    const { caseNumber, slipCode } = await identified(cardNumber);
    const { body } = await decided(caseNumber, 'defective');
    const { newCaseNumber } = body['case'] as { newCaseNumber: string };
    expect((await bench.events('card.defective', cardNumber)).map(({ data }) => data)).toEqual([
      { cardNumber, caseNumber, at: expect.any(String) },
    ]);
    const columns = 'kind, name, branch, county, ubn, certificate_email, rank, way, verifier, national_id_confirmed';
    const [now] = await bench.source.query(
      `select ${columns}, state, decided_by from application where case_number = $1`,
      [newCaseNumber],
    );
    const [old] = await bench.source.query(
      `select ${columns} from application join card using (case_number) where card_number = $1`,
      [cardNumber],
    );
    expect(now).toEqual({ ...old, state: 'approved', decided_by: 'ben' });
    const [{ personal }] = await bench.source.query('select personal from application where case_number = $1', [
      newCaseNumber,
    ]);
    const dataKey = ensureSecretKey(bench.file('data-key'));
    expect(await openRecord(dataKey, { table: 'application', id: newCaseNumber }, personal)).toEqual(PERSONAL);
    // The holder's code of the application opens the new case; its personal data are sealed to the new row.
    const asked = await bench.call('GET', `/api/v1/applications/${newCaseNumber}`, { headers: { 'x-user-code': USER_CODE } }); // prettier-ignore
    expect(asked.body).toMatchObject({ state: 'approved', card: { state: 'assigned' } });
    const { cardNumber: fresh } = asked.body['card'] as { cardNumber: string };
    expect(fresh).not.toBe(cardNumber);
    expect(await bench.operate(`/cards/${fresh}/personalisation`, {})).toMatchObject({ status: 200 });
    // The case ends with the new card's dispatch.
    expect((await sendBack(caseNumber)).status).toBe(409);
    await bench.operate(`/cards/${fresh}/dispatch`, { registeredMail: '55555555555555' });
    expect((await progress(caseNumber, slipCode)).body).toMatchObject({
      ...{ state: 'sent-back', outcome: 'defective', registeredMail: '55555555555555', newCaseNumber },
    });
  });

  it('is told of after what is being written of it: its row is locked first', async () => {
    const cardNumber = await issuedCard();
    await bench.stock(1);
    const { caseNumber } = await identified(cardNumber);
    const { body } = await ask(caseNumber, 'defective');
    let approval: Promise<string> | undefined;
    await bench.source.transaction(async (tx) => {
      await tx.query('select 1 from card where card_number = $1 for update', [cardNumber]);
      let ended = false as boolean;
      approval = approve(body['id']).then(({ status }) => ((ended = true), String(status)));
      const waits = async () =>
        (await bench.source.query<unknown[]>(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'select 1 from card where%'`,
        )).length > 0; // prettier-ignore
      while (!ended && !(await waits()));
      expect(ended).toBe(false);
      expect(await bench.events('card.defective', cardNumber)).toEqual([]);
    });
    expect(await approval).toBe('200');
    expect(await bench.events('card.defective', cardNumber)).toHaveLength(1);
  });

  it('of a combined application gets its new card by the representative’s data, without another push', async () => {
    const cardNumber = await issuedCard({ way: 'B' });
    await bench.stock(1);
    const { caseNumber } = await identified(cardNumber);
    const { body, status } = await decided(caseNumber, 'defective');
    expect(status).toBe(200);
    const { newCaseNumber } = body['case'] as { newCaseNumber: string };
    const [row] = await bench.source.query(
      'select way, representative_verifier is not null as verifier, office, push from application where case_number = $1',
      [newCaseNumber],
    );
    expect(row).toEqual({ way: 'B', verifier: true, office: null, push: null });
  });

  it('waits for stock where there is none', async () => {
    await bench.source.query(`update card set state = 'defective', defect = 'test', defective_at = now(), defective_by = 'test' where state = 'blank'`); // prettier-ignore
    const { caseNumber } = await identified(await issuedCard());
    const { body } = await decided(caseNumber, 'defective');
    const { newCaseNumber } = body['case'] as { newCaseNumber: string };
    const state = async () => ((await bench.source.query('select state from application where case_number = $1', [newCaseNumber])) as [{ state: string }])[0].state; // prettier-ignore
    expect(await state()).toBe('waiting-for-stock');
    await bench.stock(1);
    expect(await state()).toBe('approved');
  });

  it('that is revoked or expired already gets no free one', async () => {
    const expired = await identified(await issuedCard({ notAfter: '2026-01-01T15:59:59Z' }));
    expect(await ask(expired.caseNumber, 'defective')).toMatchObject({ status: 409, body: { type: 'urn:kaika:error:cardExpired' } }); // prettier-ignore
    const cardNumber = await issuedCard();
    const { caseNumber } = await identified(cardNumber);
    const { body } = await ask(caseNumber, 'defective');
    await bench.source.query(
      `insert into known_status (card_number, epoch, seq, kind) values ($1, gen_random_uuid(), 1, 'revoked')`,
      [cardNumber],
    );
    expect(await approve(body['id'])).toMatchObject({ status: 409, body: { type: 'urn:kaika:error:cardRevoked' } });
    expect((await decided(caseNumber, 'found-sound')).status).toBe(200);
  });
});

it('erases letters after their retention, and what there was to see without them stays', async () => {
  bench.clock.set(-181 * DAY_MS);
  const ended = await identified(await issuedCard());
  await decided(ended.caseNumber, 'found-sound');
  await sendBack(ended.caseNumber);
  const here = await identified(await issuedCard());
  const never = await announce('TT00000000000995');
  const sweep = () => bench.service.app.get(Housekeeping).sweep();
  expect((await sweep())['letters']).toBe(0);
  bench.clock.set(0);
  await sweep(); // a round of the service's own may have been first
  for (const { caseNumber } of [ended, never]) {
    expect(await file(caseNumber)).toMatchObject({ letter: null, erasedAt: expect.any(String) });
  }
  expect(await file(here.caseNumber)).toMatchObject({ letter: LETTER });
  expect((await progress(ended.caseNumber, ended.slipCode)).status).toBe(200);
});

it('knows cards as accepted that were told of before such cases were known', async () => {
  const migrations = [...issuance.migrations] as never[];
  const { source, ownerUrl, schema } = await database.service('issuance_before', migrations.slice(0, -1));
  const kinds = ['accepted', 'suspended', 'resumed', 'revoked'];
  for (const kind of kinds) {
    await source.query('insert into known_status (card_number, epoch, seq, kind) values ($1, gen_random_uuid(), 1, $1)', [kind]); // prettier-ignore
  }
  await migrate({ ownerUrl, schema, migrations });
  const rows = await source.query<{ kind: string }[]>('select kind from known_status where accepted order by kind');
  expect(rows.map(({ kind }) => kind)).toEqual(['accepted', 'resumed', 'suspended']);
});
