import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sleep } from '#libs/clock';
import { sealCredential, sealFor } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { type CardRow, FIRST_PREV_HASH, type SealedType, sealedContext } from '#libs/events';
import { scrape } from '#libs/metrics';
import { combined, Office } from '../intake/intake.fixture.js';
import { application, IssuanceBench } from '../issuance.fixture.js';
import { ExpiryNotices } from './expiry-notices.js';
import { MailServer } from './mail-server.fixture.js';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const EPOCH = randomUUID();

let server: MailServer;
let bench: IssuanceBench;
let sample: string;
let people = 0;
// Hooks run in this order: the service ends before its database.
afterAll(async () => {
  await bench?.stop();
  await server?.close();
});
const database = withTestDatabase();

beforeAll(async () => {
  server = await MailServer.start();
  bench = await IssuanceBench.start(database, {
    KAIKA_SMTP_URL: server.url,
    KAIKA_MAIL_FROM: 'centre@ca.example',
    KAIKA_HOTLINE_1: '臺北=02-1234-5678',
  });
  sample = await bench.assignedCard();
}, 60_000);
afterEach(() => server.refused.clear());

const newAddress = () => `person-${++people}@example.com`;
const sealed = async (type: SealedType, cardNumber: string, payload: unknown) => ({
  cardNumber,
  jwe: await sealFor([bench.ownKey.publicJwk], payload, sealedContext(type, cardNumber)),
});
/** A card whose contact has an address of its own. */
async function cardWithContact(): Promise<{ cardNumber: string; address: string }> {
  const cardNumber = await bench.quickCard(sample);
  const address = newAddress();
  await bench.receive('contact.changed', await sealed('contact.changed', cardNumber, { email: address }));
  return { cardNumber, address };
}

let seq = 0;
const row = (cardNumber: string, changes: Partial<CardRow>): CardRow => ({
  ...{
    epoch: EPOCH,
    seq: ++seq,
    prevHash: FIRST_PREV_HASH,
    hash: FIRST_PREV_HASH,
    at: bench.clock.now().toISOString(),
  },
  ...{ kind: 'suspended', cardNumber, issuerSki: 'A'.repeat(40), notAfter: '2031-11-21T15:59:59Z', partition: null },
  serials: { signature: '1CCF90E050BDB8405D2B9856AB8AB282', encryption: '470A93DECF12690532787E8EA81DC132' },
  ...{ holder: 'subscriber', acceptedAt: null, holds: [], listed: null },
  ...changes,
});
const noticesOf = async (cardNumber: string) =>
  (await bench.source.query('select * from notice where card_number = $1 order by recorded_at, id', [
    cardNumber,
  ])) as Record<string, unknown>[];
async function until(cardNumber: string, state: string): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 500; tries += 1) {
    const found = (await noticesOf(cardNumber)).find((notice) => notice['state'] === state);
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`no notice came to the state ${state}`);
}
/** What kept the card's first notice from being sent, once it was tried. */
async function problemOf(cardNumber: string): Promise<unknown> {
  for (let tries = 0; tries < 500; tries += 1) {
    const problem = (await noticesOf(cardNumber))[0]?.['problem'];
    if (problem) return problem;
    await sleep(20);
  }
  throw new Error('the notice was not tried');
}
const activated = (cardNumber: string) => ({
  cardNumber,
  activation: randomUUID(),
  at: bench.clock.now().toISOString(),
});
/** Goes on in time; the clock never runs ahead of the real one, so it is set back first. */
const back = (ms: number) => bench.clock.set(-ms);

describe('subscribers are told', () => {
  it('that their card is made: at the address in the application', async () => {
    const email = newAddress();
    const cardNumber = await bench.assignedCard({ contact: { ...application().contact, email } });
    await bench.operate(`/cards/${cardNumber}/personalisation`, {});
    const [mail] = await server.to(email);
    expect(mail!.subject).toBe(`憑證 IC 卡製發通知 Your certificate card has been made (${cardNumber.slice(-4)})`);
    expect(mail!.text).toContain('開卡示範股份有限公司 您好：');
    expect(mail!.text).toContain('客服專線：臺北 02-1234-5678');
    expect(mail!.raw).not.toContain(cardNumber);
    expect(mail!.header('From')).toBe('centre@ca.example');
    expect(mail!.header('Auto-Submitted')).toBe('auto-generated');
    const [issued] = await bench.events('certificate.issued', cardNumber);
    expect(mail!.header('Message-ID')).toBe(`<${issued!.id}@ca.example>`);
    expect(await until(cardNumber, 'sent')).toMatchObject({ attempts: 1, problem: null });
  });

  it('of each thing that happens to a card once, however often its event comes', async () => {
    const { cardNumber, address } = await cardWithContact();
    const listed = { reason: 'certificateHold', since: '2026-11-21T15:50:00Z' } as const;
    const steps = [
      ['card.activated', activated(cardNumber)],
      ['certificate.accepted', row(cardNumber, { kind: 'accepted', holder: null })],
      ['certificate.suspended', row(cardNumber, { holds: ['subscriber'], listed })],
      ['certificate.resumed', row(cardNumber, { kind: 'resumed', acceptedAt: bench.clock.now().toISOString() })],
      ['card.acceptance-due', { cardNumber, dueAt: '2026-12-01T16:00:00Z', daysLeft: 14 }],
      ['certificate.revoked', row(cardNumber, { kind: 'revoked', holder: null, listed: { ...listed, reason: 'keyCompromise' } })], // prettier-ignore
    ] as const;
    for (const [type, data] of steps) {
      const { id } = await bench.receive(type, data);
      await bench.receive(type, data, { id });
    }
    const mails = await server.to(address, 5);
    await until(cardNumber, 'sent');
    expect(mails.map(({ subject }) => subject.split(' ')[0])).toEqual(
      expect.arrayContaining(['憑證', '憑證停用通知', '憑證恢復使用通知', '憑證廢止通知']),
    );
    expect((await noticesOf(cardNumber)).map(({ content }) => (content as { kind: string }).kind)).toHaveLength(5);
    await bench.receive('card.activated', activated(cardNumber));
    expect(await server.to(address, 6)).toHaveLength(6);
  });

  it('of a new user code, but not of the first one', async () => {
    const { cardNumber, address } = await cardWithContact();
    const set = async (generation: number, kind: 'user-code' | 'representative' = 'user-code') => {
      const verifier = { cardNumber, kind, generation, verifier: 'scrypt$' };
      return bench.receive('credential.set', { ...(await sealCredential([bench.ownKey.publicJwk], verifier)) });
    };
    await set(1, 'representative');
    await set(1);
    await set(1);
    expect(await noticesOf(cardNumber)).toEqual([]);
    await set(2);
    expect((await server.to(address))[0]!.subject).toContain('用戶代碼變更通知');
    await set(2);
    await set(1);
    expect(await noticesOf(cardNumber)).toHaveLength(1);
  });

  it('through the bus: a card that was made has a user code known', async () => {
    const cardNumber = await bench.assignedCard();
    await bench.operate(`/cards/${cardNumber}/personalisation`, {});
    const known = () =>
      bench.source.query<unknown[]>('select 1 from known_user_code where card_number = $1', [cardNumber]);
    for (let tries = 0; tries < 500 && (await known()).length === 0; tries += 1) await sleep(20);
    expect(await known()).toHaveLength(1);
  });
});

describe('the address', () => {
  it('is the one given last, whatever comes late', async () => {
    const { cardNumber, address: first } = await cardWithContact();
    const second = newAddress();
    const change = await sealed('contact.changed', cardNumber, { email: second });
    await bench.receive('contact.changed', change);
    const late = await sealed('contact.changed', cardNumber, { email: first });
    await bench.receive('contact.changed', late, { time: '2026-01-01T00:00:00.000Z' });
    await bench.receive('card.activated', activated(cardNumber));
    expect(await server.to(second)).toHaveLength(1);
    expect(server.mails.filter(({ to }) => to === first)).toEqual([]);
  });

  it('that is not sealed for this card changes nothing, and the event is put aside', async () => {
    const { cardNumber, address } = await cardWithContact();
    const other = await sealed('contact.changed', 'TT00000000000099', { email: 'thief@example.com' });
    await bench.receive('contact.changed', { ...other, cardNumber });
    const letters = await bench.source.query<unknown[]>('select 1 from dead_letter where key = $1', [cardNumber]);
    expect(letters).toHaveLength(1);
    // Other topics go on.
    await bench.receive('certificate.suspended', row(cardNumber, {}));
    expect(await server.to(address)).toHaveLength(1);
  }, 30_000);

  it('may come after the event: then the notice waits for it', async () => {
    const office = await Office.registered(bench, 'office-80');
    await bench.stock(1);
    const { body } = await office.push(combined());
    const { cardNumber } = (await bench.events('application.approved', body['caseNumber'] as string))[0]!.data;
    back(30 * MINUTE_MS);
    await bench.receive('card.activated', activated(cardNumber));
    expect(await problemOf(cardNumber)).toBe('no address');
    const address = newAddress();
    await bench.receive('contact.changed', await sealed('contact.changed', cardNumber, { email: address }));
    back(29 * MINUTE_MS);
    expect(await server.to(address)).toHaveLength(1);
    back(0);
  });

  it('that never comes ends the wait', async () => {
    const office = await Office.registered(bench, 'office-81');
    await bench.stock(1);
    const { body } = await office.push(combined());
    const { cardNumber } = (await bench.events('application.approved', body['caseNumber'] as string))[0]!.data;
    back(30 * MINUTE_MS);
    await bench.receive('card.activated', activated(cardNumber));
    await problemOf(cardNumber);
    back(0);
    expect(await until(cardNumber, 'no-address')).toMatchObject({ done_at: expect.any(Date) });
  });
});

describe('a one-time code', () => {
  const request = async (cardNumber: string, code: string, expiresAt: Date) => ({
    ...(await sealed('one-time-code.requested', cardNumber, { code })),
    ...{ request: randomUUID(), purpose: 'user-code-reset' as const, expiresAt: expiresAt.toISOString() },
  });
  const inTenMinutes = () => new Date(bench.clock.nowMs() + 10 * MINUTE_MS);

  it('is in its mail, and nowhere after that', async () => {
    const { cardNumber, address } = await cardWithContact();
    await bench.receive('one-time-code.requested', await request(cardNumber, '9Q3TXK', inTenMinutes()));
    const [mail] = await server.to(address);
    expect(mail!.text).toContain('一次性驗證碼為：9Q3TXK');
    expect(mail!.subject).not.toContain('9Q3TXK');
    expect(await until(cardNumber, 'sent')).toMatchObject({ secret: null });
    expect(await bench.everythingStored()).not.toContain('9Q3TXK');
    expect(bench.log).not.toContain('9Q3TXK');
  });

  it('that is out of date is never sent', async () => {
    const { cardNumber, address } = await cardWithContact();
    await server.close();
    try {
      const code = await request(cardNumber, '8W2RZH', inTenMinutes());
      back(30 * MINUTE_MS);
      await bench.receive('one-time-code.requested', { ...code, expiresAt: inTenMinutes().toISOString() });
      expect((await noticesOf(cardNumber))[0]!['secret']).not.toContain('8W2RZH');
      await problemOf(cardNumber);
      back(5 * MINUTE_MS);
      expect(await until(cardNumber, 'expired')).toMatchObject({ secret: null });
    } finally {
      back(0);
      await server.listen();
    }
    expect(server.mails.filter(({ to }) => to === address)).toEqual([]);
  });
});

describe('the mail server', () => {
  it('that is away keeps notices waiting, without an attempt counted', async () => {
    const { cardNumber, address } = await cardWithContact();
    await server.close();
    back(30 * MINUTE_MS);
    try {
      await bench.receive('card.activated', activated(cardNumber));
      await problemOf(cardNumber);
      expect(await noticesOf(cardNumber)).toMatchObject([{ state: 'due', attempts: 0, problem: expect.any(String) }]);
    } finally {
      await server.listen();
    }
    back(20 * MINUTE_MS);
    expect(await server.to(address)).toHaveLength(1);
    back(0);
  });

  it('that refuses an address for now is asked again; for good, never', async () => {
    back(60 * MINUTE_MS);
    const [now, forGood] = [await cardWithContact(), await cardWithContact()];
    server.refused.set(now.address, 451).set(forGood.address, 550);
    for (const { cardNumber } of [now, forGood]) await bench.receive('card.activated', activated(cardNumber));
    expect(await until(forGood.cardNumber, 'refused')).toMatchObject({ attempts: 1, problem: 'EENVELOPE 550' });
    await problemOf(now.cardNumber);
    expect(await noticesOf(now.cardNumber)).toMatchObject([{ state: 'due', attempts: 1, problem: 'EENVELOPE 451' }]);
    server.refused.clear();
    back(50 * MINUTE_MS);
    expect(await server.to(now.address)).toHaveLength(1);
    expect(server.mails.filter(({ to }) => to === forGood.address)).toEqual([]);
    // Its own words repeat the address.
    expect(bench.log).toContain('EENVELOPE 550');
    expect(bench.log).not.toContain(forGood.address);
    back(0);
  });

  it('that took a mail whose process was killed gets it again under the same Message-ID', async () => {
    const { cardNumber, address } = await cardWithContact();
    await bench.receive('card.activated', activated(cardNumber));
    await until(cardNumber, 'sent');
    back(10 * MINUTE_MS);
    await bench.source.query(
      `update notice set state = 'due', done_at = null, next_attempt_at = $2 where card_number = $1`,
      [cardNumber, bench.clock.now()],
    );
    back(0);
    const ids = (await server.to(address, 2)).map((mail) => mail.header('Message-ID'));
    expect(ids[0]).toBe(ids[1]);
  });
});

describe('before certificates end', () => {
  const ending = async (cardNumber: string, days: number) => {
    const serial = randomUUID().replaceAll('-', '').toUpperCase().replace(/^./, '1');
    const end = new Date(bench.clock.nowMs() + days * DAY_MS - MINUTE_MS);
    await bench.source.query('insert into serial values ($1)', [serial]);
    await bench.source.query(
      `insert into certificate (serial, card_number, slot, issuer_ski, state, spki, not_before, not_after, tbs, der, intended_at)
       values ($1, $2, '9C', 'A', 'written', '\\x00', now(), $3, '\\x00', '\\x00', now())`,
      [serial, cardNumber, end],
    );
    await bench.source.query(`update card set state = 'issued', issued_at = now() where card_number = $1`, [
      cardNumber,
    ]);
  };
  const due = () => bench.service.app.get(ExpiryNotices).recordDue();
  const idsOf = async (cardNumber: string) => (await noticesOf(cardNumber)).map(({ id }) => id);

  it('subscribers are reminded at 60 and at 14 days, once each', async () => {
    const [far, sixty, fourteen, revoked] = [
      await cardWithContact(),
      await cardWithContact(),
      await cardWithContact(),
      await cardWithContact(),
    ];
    await ending(far.cardNumber, 61);
    await ending(sixty.cardNumber, 60);
    await ending(fourteen.cardNumber, 14);
    await ending(revoked.cardNumber, 30);
    await bench.receive('certificate.revoked', row(revoked.cardNumber, { kind: 'revoked', holder: null }));
    await Promise.all([due(), due(), due()]);
    await due();
    expect(await idsOf(far.cardNumber)).toEqual([]);
    expect(await idsOf(sixty.cardNumber)).toEqual([`expiry-${sixty.cardNumber}-60`]);
    // After a downtime: the nearer one alone.
    expect(await idsOf(fourteen.cardNumber)).toEqual([`expiry-${fourteen.cardNumber}-14`]);
    expect(await idsOf(revoked.cardNumber)).not.toContain(`expiry-${revoked.cardNumber}-60`);
    const [mail] = await server.to(sixty.address);
    expect(mail!.text).toContain('到期（尚餘 60 日）');
  });
});

it('figures say what waits', async () => {
  const { cardNumber } = await cardWithContact();
  await server.close();
  try {
    await bench.receive('card.activated', activated(cardNumber));
    await problemOf(cardNumber);
    const { text } = await scrape();
    expect(text).toMatch(/^kaika_notices_waiting [1-9]/m);
    expect(text).toMatch(/^kaika_notices_waiting_oldest_seconds \d/m);
    expect(text).toMatch(/^kaika_applications_waiting_for_stock \d/m);
    expect(text).toMatch(/^kaika_office_cases_open 0$/m);
    expect(text).toMatch(/^kaika_notice_deliveries_total\{outcome="sent"\} [1-9]/m);
    expect(text).not.toContain(cardNumber);
  } finally {
    await server.listen();
  }
});

describe('the list of notices', () => {
  const list = (query: string, role: 'ca-operator' | 'auditor' | 'application-officer' = 'ca-operator') =>
    bench.call('GET', `/api/v1/notices${query}`, { role });

  it('shows operators what became of them, page by page, without addresses', async () => {
    const { cardNumber, address } = await cardWithContact();
    for (let i = 0; i < 3; i += 1) await bench.receive('card.activated', activated(cardNumber));
    await server.to(address, 3);
    const whole = (await list(`?cardNumber=${cardNumber}`)).body as { items: { id: string }[]; next: null };
    expect(whole.items).toHaveLength(3);
    expect(whole.items[0]).toMatchObject({ cardNumber, kind: 'card-activated' });
    const first = (await list(`?cardNumber=${cardNumber}&limit=2`)).body as { items: { id: string }[]; next: string };
    const rest = (await list(`?cardNumber=${cardNumber}&limit=2&after=${first.next}`)).body as typeof whole;
    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(whole.items.map(({ id }) => id));
    expect(rest.next).toBeNull();
    expect(JSON.stringify(whole)).not.toContain(address);
    expect((await list('?state=sent&limit=100', 'auditor')).status).toBe(200);
  });

  it.each(['?state=lost', '?limit=0', '?limit=x', '?cardNumber=1', '?page=2', '?after=x', '?after=%00'])(
    'refuses %s',
    async (query) => {
      expect((await list(query)).status).toBe(400);
    },
  );

  it('is shut for others', async () => {
    expect((await list('', 'application-officer')).status).toBe(403);
    expect((await bench.call('GET', '/api/v1/notices')).status).toBe(401);
  });
});

it('keeps no address in clear, in any table or line of the log', async () => {
  const stored = await bench.everythingStored();
  expect(people).toBeGreaterThan(5);
  for (const text of [stored, bench.log]) expect(text).not.toMatch(/person-\d+@|thief@/);
});
