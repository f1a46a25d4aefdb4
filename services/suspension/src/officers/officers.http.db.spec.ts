import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { withTestDatabase } from '#libs/database';
import { ConfigError } from '#libs/config';
import { RunningSuspension, until, type Answer } from '../http.fixture.js';
import { replay } from '../replay.fixture.js';
import { readSuspensionConfig } from '../suspension.config.js';
import { CODE } from '../suspension.fixture.js';

const DAY_MS = 86_400_000;
const START = new Date(systemClock().nowMs() - 200 * DAY_MS);
const at = new RunningSuspension(withTestDatabase(), START);

beforeAll(() => at.open(), 60_000);
afterAll(() => at.close());

const officer = (method: string, path: string, body?: unknown, subject = 'anna') =>
  at.ask(method, path, body, 'ca-officer', subject);
const rowsOf = async (card: string) => (await at.rows()).filter((row) => row.kind !== 'cut' && row.cardNumber === card);
const inDays = (n: number) => new Date(at.clock.nowMs() + n * DAY_MS).toISOString().slice(0, 10);

describe('officers', () => {
  it('hold and release a card, ask for its revocation and approve it; everyone who knows the id reads the receipt', async () => {
    const card = await at.newCard();
    const held = await officer('POST', `/cards/${card}/hold`, { holder: 'court', ground: 'order 1' });
    expect(held).toMatchObject({ status: 200, body: { command: 'hold', holder: 'court', status: 'suspended' } });
    expect((await at.ask('GET', `/receipts/${String(held.body['id'])}`)).body).toEqual(held.body);
    const released = await officer('POST', `/cards/${card}/release`, { holder: 'court', ground: 'order 2' });
    expect(released).toMatchObject({ status: 200, body: { status: 'pending' } });

    const revocation = { reason: 'keyCompromise', compromisedAt: START.toISOString(), ground: 'stolen\nwith the bag' };
    const asked = await officer('POST', `/cards/${card}/revocation`, revocation);
    expect(asked).toMatchObject({ status: 202, body: { cardNumber: card, state: 'open', requestedBy: 'anna' } });
    const path = `/revocation-requests/${String(asked.body['id'])}`;
    expect(await officer('POST', `${path}/approval`, {})).toMatchObject({
      status: 403,
      body: { type: 'urn:kaika:error:ownRequest' },
    });
    const approved = await officer('POST', `${path}/approval`, {}, 'ben');
    expect(approved).toMatchObject({ status: 200, body: { receipt: { status: 'revoked' } } });
    expect(await officer('POST', `${path}/approval`, {}, 'ben')).toEqual(approved);
    const again = await officer('POST', `/cards/${card}/revocation`, revocation, 'cleo');
    expect(again).toEqual({ status: 200, body: approved.body['receipt'] });
    expect(await officer('POST', `${path}/rejection`, { ground: 'x' }, 'ben')).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:requestDecided' },
    });
    expect(await at.suspend(card)).toMatchObject({ status: 409, body: { legacyCode: '4931' } });
    expect(await at.ask('POST', `/cards/${card}/resumption`, { userCode: CODE })).toMatchObject({
      body: { legacyCode: '4931' },
    });
    const history = await at.ask('GET', `/cards/${card}/status-history`, undefined, 'auditor', 'dora');
    expect(history).toMatchObject({
      body: {
        cardNumber: card,
        changes: [
          { kind: 'suspended', holder: 'court', holds: ['court'], reason: 'certificateHold' },
          { kind: 'resumed', holder: 'court', holds: [], reason: null },
          { kind: 'revoked', holder: null, reason: 'keyCompromise' },
        ],
        acts: [
          { act: 'hold', by: 'anna', ground: 'order 1', request: null },
          { act: 'release', by: 'anna', ground: 'order 2', request: null },
          { act: 'revoke', by: 'ben', ground: revocation.ground, request: asked.body['id'] },
        ],
      },
    });
    expect((await at.ask('GET', '/cards/AA00000000000000/status-history', undefined, 'auditor')).status).toBe(404);
    replay(await at.rows());
  });

  it('read requests by their state, and an auditor too', async () => {
    const card = await at.newCard();
    const { body } = await officer('POST', `/cards/${card}/revocation`, { reason: 'superseded', ground: 'x' });
    const path = `/revocation-requests/${String(body['id'])}`;
    const list = (state: string, role: 'ca-officer' | 'auditor' = 'ca-officer') =>
      at.ask('GET', `/revocation-requests?state=${state}&limit=200`, undefined, role);
    expect((await list('open', 'auditor')).body['items']).toContainEqual(body);
    const rejected = await officer('POST', `${path}/rejection`, { ground: 'wrong card' }, 'ben');
    expect(rejected).toMatchObject({ status: 200, body: { state: 'rejected', rejectionGround: 'wrong card' } });
    expect((await list('rejected')).body).toMatchObject({ items: [rejected.body], next: null });
    expect((await list('open')).body['items']).toEqual([]);
  });

  it('a hundred approvals over HTTP at once have one effect and one answer', async () => {
    const card = await at.newCard();
    const { body } = await officer('POST', `/cards/${card}/revocation`, { reason: 'superseded', ground: 'x' });
    const path = `/revocation-requests/${String(body['id'])}/approval`;
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => officer('POST', path, {}, `officer-${n % 5}`)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]!.status).toBe(200);
    expect(await rowsOf(card)).toHaveLength(1);
  });

  it('alone may do this: every door is closed to others', async () => {
    const card = await at.newCard();
    for (const [method, path, body] of [
      ['POST', `/cards/${card}/hold`, { holder: 'ca', ground: 'x' }],
      ['POST', `/cards/${card}/release`, { holder: 'ca', ground: 'x' }],
      ['POST', `/cards/${card}/acceptance-deadline`, { until: inDays(200), ground: 'x' }],
      ['POST', `/cards/${card}/revocation`, { reason: 'superseded', ground: 'x' }],
      ['GET', '/revocation-requests', undefined],
      ['POST', `/revocation-requests/${randomUUID()}/approval`, {}],
      ['POST', `/revocation-requests/${randomUUID()}/rejection`, { ground: 'x' }],
    ] as const) {
      expect((await at.ask(method, path, body)).status).toBe(401);
      for (const role of ['ca-operator', 'application-officer', 'service', 'kiosk'] as const) {
        expect((await at.ask(method, path, body, role)).status).toBe(403);
      }
    }
    expect(await rowsOf(card)).toEqual([]);
  });
});

describe('the acceptance deadline', () => {
  it('is met when the clock passes it, and an extension opens the card again', async () => {
    const card = await at.newCard();
    await at.moveTo(new Date(START.getTime() + 92 * DAY_MS));
    await until(async () => (await rowsOf(card)).length > 0);
    const accept = () => at.ask('PUT', `/cards/${card}/acceptance`, { activation: randomUUID() }, 'service');
    expect(await accept()).toMatchObject({ status: 409, body: { standingHolds: ['deadline'] } });
    const path = `/cards/${card}/acceptance-deadline`;
    const extended = await officer('POST', path, { until: inDays(30), ground: 'on a journey' });
    expect(extended).toMatchObject({ status: 200, body: { status: 'pending', receipt: { holder: 'deadline' } } });
    expect(await accept()).toMatchObject({ status: 200, body: { status: 'valid' } });
    expect(await officer('POST', path, { until: inDays(40), ground: 'x' })).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:cardAccepted' },
    });
  });
});

describe('bad input', () => {
  const ground = { good: 'x', bad: [undefined, null, 7, '', '  ', 'g'.repeat(501), 'a\u0000b', 'a\u202eb', ['x'], {}] };
  const holder = { good: 'ca', bad: [undefined, null, 'deadline', 'subscriber', 'CA', '', 'ｃａ', 1, ['ca']] };
  const reason = {
    good: 'keyCompromise',
    bad: [undefined, null, 'certificateHold', 'unspecified', 'removeFromCRL', 'keycompromise', 1, ''],
  };
  const compromisedAt = {
    good: START.toISOString(),
    bad: [
      null,
      '',
      'yesterday',
      '2026-02-30T00:00:00Z',
      '2026-01-01',
      '2026-01-01T00:00:00+08:00',
      1_767_225_600,
    ].concat([
      '1999-12-31T23:59:59Z',
      '9999-01-01T00:00:00Z',
      '２０２６-01-01T00:00:00Z',
      "'; drop table card; --",
    ] as never[]),
  };
  const until_ = {
    good: new Date(START.getTime() + 300 * DAY_MS).toISOString().slice(0, 10),
    bad: [
      undefined,
      null,
      '',
      '1152-02-29',
      '2026-02-29',
      '2026-13-01',
      '112/2/29',
      '１１２-02-28',
      20261121,
      '0001-01-01',
    ].concat(['9999-12-31', '2026-11-21T00:00:00Z'] as never[]),
  };
  const TABLE: [string, Record<string, { good: unknown; bad: unknown[] }>][] = [
    ['/cards/{n}/hold', { holder, ground }],
    ['/cards/{n}/release', { holder, ground }],
    ['/cards/{n}/revocation', { reason, compromisedAt, ground }],
    ['/cards/{n}/acceptance-deadline', { until: until_, ground }],
    ['/revocation-requests/{id}/approval', {}],
    ['/revocation-requests/{id}/rejection', { ground }],
  ];
  let card: string;
  let path: (template: string) => string;
  beforeAll(async () => {
    card = await at.newCard();
    const { body } = await officer('POST', `/cards/${card}/revocation`, { reason: 'superseded', ground: 'a table' });
    path = (template) => template.replace('{n}', card).replace('{id}', String(body['id']));
  });
  const send = (template: string, body: unknown) => officer('POST', path(template), body, 'ben');
  const named = ({ status, body }: Answer) => {
    expect(status).toBe(400);
    return [...new Set(((body['errors'] ?? []) as { at: string }[]).map((error) => error.at))];
  };
  const everything = async () => ({
    rows: await at.rows(),
    requests: (await officer('GET', '/revocation-requests?limit=200')).body,
  });

  it('in any field of any endpoint is a problem that names the field and not its value, and changes nothing', async () => {
    const before = await everything();
    for (const [template, fields] of TABLE) {
      const good = Object.fromEntries(Object.entries(fields).map(([name, { good }]) => [name, good]));
      for (const [name, { bad }] of Object.entries(fields)) {
        for (const value of bad) {
          const answer = await send(template, { ...good, [name]: value });
          expect({ template, name, value, at: named(answer) }).toEqual({ template, name, value, at: [`/${name}`] });
          if (typeof value === 'string' && value.length > 8) expect(JSON.stringify(answer)).not.toContain(value.trim());
        }
      }
      expect(named(await send(template, { ...good, colour: 'red' }))).toEqual(['/colour']);
      expect(named(await send(template, { ...good, __proto__: 1, constructor: 1 }))).toEqual(['/constructor']);
      for (const body of [[], 'text', 7, null]) expect((await send(template, JSON.stringify(body))).status).toBe(400);
      if (Object.keys(fields).length > 0) expect((await send(template, '')).status).toBe(400);
      for (const body of ['{', '{"ground":"x"', '\u0000', '['.repeat(50_000)]) {
        expect((await send(template, body)).status).toBe(400);
      }
      expect((await send(template, { ground: 'g'.repeat(300_000) })).status).toBe(413);
    }
    expect(await everything()).toEqual(before);
  });

  it('in a path or a query is named too', async () => {
    const body = { holder: 'ca', ground: 'x' };
    for (const n of ['TT1', 'TT0000000000005１', 'TT000000000000511', "TT'; drop table", 'x'.repeat(500)]) {
      const answer = await officer('POST', `/cards/${encodeURIComponent(n)}/hold`, body);
      expect(named(answer)).toEqual(['path:n']);
    }
    for (const id of ['1', `${randomUUID()}0`, 'null']) {
      expect(named(await officer('POST', `/revocation-requests/${id}/approval`, {}))).toEqual(['path:id']);
    }
    for (const [query, name] of [
      ['state=OPEN', 'state'],
      ['state=open&state=approved', 'state'],
      ['after=-1', 'after'],
      ['after=99999999999', 'after'],
      ['after=x', 'after'],
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1.5', 'limit'],
      ['page=2', 'page'],
    ]) {
      expect(named(await officer('GET', `/revocation-requests?${query}`))).toEqual([`query:${name}`]);
    }
    expect(await officer('POST', `/revocation-requests/${randomUUID()}/approval`, {})).toMatchObject({ status: 404 });
    expect(await officer('POST', '/cards/TT99999999999992/hold', body)).toMatchObject({ status: 404 });
  });

  it('a time of compromise goes with keyCompromise only', async () => {
    const body = { reason: 'superseded', compromisedAt: START.toISOString(), ground: 'x' };
    expect(named(await send('/cards/{n}/revocation', body))).toEqual(['/compromisedAt']);
  });
});

describe('settings', () => {
  it('of the deadline that cannot be used are named, all at once', async () => {
    const read = readSuspensionConfig({
      KAIKA_ACCEPTANCE_DEADLINE_DAYS: '0',
      KAIKA_ACCEPTANCE_DEADLINE_ACTION: 'burn',
    });
    const error = await read.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    const names = (error as ConfigError).problems.map(({ variable }) => variable);
    expect(names).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'KAIKA_ACCEPTANCE_DEADLINE_ACTION', 'KAIKA_ACCEPTANCE_DEADLINE_DAYS']),
    );
    expect((error as Error).message).not.toContain('burn');
  });
});
