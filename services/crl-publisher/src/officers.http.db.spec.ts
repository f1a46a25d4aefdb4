import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withTestDatabase } from '#libs/database';
import { scrape } from '#libs/metrics';
import { Midnight } from './midnight.js';
import { newCard } from './owner.fixture.js';
import { eventually, MIDNIGHTS, PublisherFixture, setClock } from './publisher.fixture.js';
import { PublisherService, type Answer } from './publisher-service.fixture.js';

const database = withTestDatabase();
const at = new PublisherFixture(database);
let publisher: PublisherService;
const ask = (...of: Parameters<PublisherService['ask']>) => publisher.ask(...of);
const items = ({ body }: Answer) => body['items'] as Record<string, unknown>[];

beforeAll(async () => {
  await at.start();
  publisher = await PublisherService.start(at, database);
  await served('1');
}, 120_000);
afterAll(async () => {
  await publisher?.close();
  await at.stop();
});

async function served(number: string): Promise<void> {
  await eventually(async () => expect(items(await ask('GET', '/crls?limit=1'))).toMatchObject([{ number }]));
}
const [TONIGHT, NEXT] = MIDNIGHTS;
const NOON = new Date('2026-01-11T04:00:00Z');
const [stays, comes, goes, turns, expires] = [newCard(), newCard(), newCard(), newCard(), newCard('2026-01-10T15:59:59Z')]; // prettier-ignore

describe('the officers', () => {
  it('have an emergency list made, and tonight’s comes all the same', async () => {
    for (const card of [stays, goes, turns, expires]) at.owner.suspend(card);
    setClock(at.clock, TONIGHT);
    await served('2');
    at.owner.change(goes, null, '2026-01-11T01:00:00.000Z');
    at.owner.suspend(comes, '2026-01-11T02:00:00Z');
    const compromised = { reason: 'keyCompromise', since: '2026-01-10T01:00:00Z', invalidityDate: '2025-12-24T10:11:12Z' } as const; // prettier-ignore
    at.owner.change(turns, compromised, '2026-01-11T03:00:00.000Z');
    at.owner.now = () => NOON;
    setClock(at.clock, NOON);

    const body = { ground: ' 卡片遭竊，第 7 號案 ' };
    const asked = await ask('POST', '/emergency-lists', 'wang/ca-officer', body);
    expect(asked).toMatchObject({ status: 202, body: { ground: '卡片遭竊，第 7 號案', state: 'open', requestedBy: 'wang', run: null } }); // prettier-ignore
    expect((await ask('POST', '/emergency-lists', 'wang/ca-officer', body)).body['id']).toBe(asked.body['id']);
    const approval = `/emergency-lists/${String(asked.body['id'])}/approval`;
    expect(await ask('POST', approval, 'wang/ca-officer', {})).toMatchObject({ status: 403, body: { type: 'urn:kaika:error:ownRequest' } }); // prettier-ignore
    const approved = await ask('POST', approval, 'wu/ca-officer', {});
    expect(approved).toMatchObject({ status: 200, body: { state: 'approved', decidedBy: 'wu' } });
    await served('3');
    expect(items(await ask('GET', '/crls?limit=1'))[0]).toMatchObject({ kind: 'emergency', degraded: false });
    expect(items(await ask('GET', '/emergency-lists?state=approved', 'chen/ca-operator'))).toMatchObject([
      { run: { state: 'published', number: '3', cut: '2026-01-11T04:00:00.000Z' } },
    ]);
    expect((await ask('POST', approval, 'wu/ca-officer', {})).body['run']).toMatchObject({ number: '3' });
    expect((await ask('GET', '/crls/next')).body).toMatchObject({ kind: 'scheduled', cut: NEXT.toISOString() });
  });

  it('see the time of a compromise on the list, as openssl does', async () => {
    const list = join(at.dir, 'emergency.crl');
    writeFileSync(list, Buffer.from(await (await fetch(`${publisher.base}/crl/complete.crl`)).arrayBuffer()));
    writeFileSync(join(at.dir, 'issuing.pem'), at.issuer.pem);
    const args = ['crl', '-inform', 'der', '-in', list, '-CAfile', join(at.dir, 'issuing.pem'), '-noout', '-text'];
    const text = execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const entry = `Serial Number: ${turns.serials.signature}\\s+Revocation Date: Jan 10 01:00:00 2026 GMT\\s+CRL entry extensions:\\s+X509v3 CRL Reason Code: \\s+Key Compromise\\s+Invalidity Date: \\s+Dec 24 10:11:12 2025 GMT`; // prettier-ignore
    expect(text).toMatch(new RegExp(entry));
  });

  it('let a list out that is held, once both have looked at it', async () => {
    expect(items(await ask('GET', '/crls/held', 'huang/auditor'))).toEqual([]);
    await at.asOwner(`delete from listing where card_number = $1`, [stays.cardNumber]);
    setClock(at.clock, NEXT);
    let cut = '';
    let digest = '';
    await eventually(async () => {
      const [held] = items(await ask('GET', '/crls/held', 'huang/auditor'));
      expect(held).toMatchObject({ kind: 'scheduled', cut: NEXT.toISOString(), report: { unexplainedCount: { gone: 2 } } }); // prettier-ignore
      cut = String(held!['cut']);
      digest = (held!['report'] as { exact: { digest: string } }).exact.digest;
    });
    expect((await scrape()).text).toMatch(/^kaika_crl_unexplained_entries 2$/m);
    const path = `/crls/held/${cut}/release`;
    const other = { ground: 'looked at', digest: 'ab'.repeat(32) };
    expect(await ask('POST', path, 'wang/ca-officer', other)).toMatchObject({ status: 409 });
    const asked = await ask('POST', path, 'wang/ca-officer', { ground: 'looked at', digest });
    expect(asked).toMatchObject({ status: 202, body: { cut, digest, state: 'open' } });
    expect(items(await ask('GET', '/crls/releases?state=open', 'huang/auditor'))).toHaveLength(1);
    const id = String(asked.body['id']);
    expect((await ask('POST', `/crls/releases/${id}/approval`, 'wu/ca-officer', {})).status).toBe(200);
    publisher.running.app.get(Midnight).poke();
    await eventually(async () =>
      expect(items(await ask('GET', '/crls?limit=1'))).toMatchObject([{ kind: 'scheduled', entryCount: 4 }]),
    );
    expect(items(await ask('GET', '/alarms', 'huang/auditor'))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ alarm: 'runHeld', meaning: expect.any(String), firstAt: expect.any(String) }),
        expect.objectContaining({ alarm: 'listReleased', count: 1 }),
      ]),
    );
    await eventually(async () => {
      const { body } = await ask('GET', '/alarms', 'huang/auditor');
      expect((body['open'] as { alarm: string }[]).map(({ alarm }) => alarm)).toEqual(['listReleased']);
    });
  });
});

describe('the difference of two lists', () => {
  const explain = (a: string, b: string, query = '') => ask('GET', `/crls/${a}/differences/${b}${query}`, 'chen/ca-operator'); // prettier-ignore

  it('is told entry by entry, with the rows of the log that explain it', async () => {
    const { status, body } = await explain('2', '3');
    expect(status).toBe(200);
    expect(body).toMatchObject({ from: { number: '2', degraded: false }, to: { number: '3' }, next: null });
    const found = items({ status, body });
    expect(found.map(({ serial }) => serial)).toEqual(
      [comes, goes, turns, expires].flatMap(({ serials }) => Object.values(serials)).sort(),
    );
    const of = (serial: string) => found.find((one) => one['serial'] === serial);
    const held = { reason: 'certificateHold', since: '2026-01-10T01:00:00Z' };
    expect(of(comes.serials.signature)).toMatchObject({
      cardNumber: comes.cardNumber,
      difference: 'added',
      before: null,
      after: { reason: 'certificateHold', since: '2026-01-11T02:00:00Z' },
      explanation: 'log',
      rows: [{ kind: 'suspended', holder: 'subscriber', holds: ['subscriber'] }],
    });
    expect(of(goes.serials.encryption)).toMatchObject({ difference: 'gone', before: held, after: null, explanation: 'log', rows: [{ kind: 'resumed', listed: null }] }); // prettier-ignore
    expect(of(turns.serials.signature)).toMatchObject({
      difference: 'changed',
      before: held,
      after: { reason: 'keyCompromise', since: held.since, invalidityDate: '2025-12-24T10:11:12Z' },
      explanation: 'log',
      rows: [{ kind: 'revoked' }],
    });
    expect(of(expires.serials.signature)).toMatchObject({ difference: 'gone', explanation: 'expired', rows: [] });
  });

  it('names what nothing explains', async () => {
    const newest = String(items(await ask('GET', '/crls?limit=1'))[0]!['number']);
    expect(items(await explain('3', newest))).toEqual(
      Object.values(stays.serials)
        .sort()
        .map((serial) => expect.objectContaining({ serial, difference: 'gone', explanation: 'none', rows: [] })),
    );
  });

  it('comes in pages, and over any two lists', async () => {
    const all = items(await explain('1', '3'));
    const paged: unknown[] = [];
    for (let query = '?limit=3'; ;) {
      const { body } = await explain('1', '3', query);
      paged.push(...items({ status: 200, body }));
      if (body['next'] === null) break;
      query = `?limit=3&after=${String(body['next'])}`;
    }
    expect(paged).toEqual(all);
    expect(all).toHaveLength(6); // the first list is empty
    for (const one of all) expect(one).toMatchObject({ difference: 'added', explanation: 'log' });
  });
});

describe('bad input', () => {
  const id = randomUUID();
  const cut = '2026-01-11T16:00:00Z';
  const digest = 'ab'.repeat(32);
  const ground = 'g';
  const OFFICER = 'wang/ca-officer';
  const OPERATOR = 'chen/ca-operator';
  const grounds: [unknown, string][] = [
    [undefined, '/ground'],
    [null, '/ground'],
    [7, '/ground'],
    ['', '/ground'],
    [' \t ', '/ground'],
    ['x'.repeat(501), '/ground'],
    ['a\u0000b', '/ground'],
    ['a\u202eb', '/ground'],
    [['x'], '/ground'],
  ];
  const bodies: [string, unknown, string][] = [
    ...grounds.flatMap(([value, at]): [string, unknown, string][] => [
      ['/emergency-lists', { ground: value }, at],
      [`/emergency-lists/${id}/rejection`, { ground: value }, at],
      [`/crls/held/${cut}/release`, { ground: value, digest }, at],
      [`/crls/releases/${id}/rejection`, { ground: value }, at],
    ]),
    ['/emergency-lists', { ground, now: true }, '/now'],
    ['/emergency-lists', [], '/'],
    [`/emergency-lists/${id}/approval`, { force: true }, '/force'],
    ['/emergency-lists/1/approval', {}, 'path:id'],
    [`/emergency-lists/${id}0/rejection`, { ground }, 'path:id'],
    [`/crls/releases/${id.slice(1)}/approval`, {}, 'path:id'],
    ['/crls/held/yesterday/release', { ground, digest }, 'path:cut'],
    ['/crls/held/2026-02-30T16:00:00Z/release', { ground, digest }, 'path:cut'],
    [`/crls/held/${cut}/release`, { ground }, '/digest'],
    [`/crls/held/${cut}/release`, { ground, digest: digest.toUpperCase() }, '/digest'],
    [`/crls/held/${cut}/release`, { ground, digest: `${digest}0` }, '/digest'],
  ];

  it.each(bodies)('POST %s %j is refused and %s named', async (path, body, field) => {
    const { status, body: problem } = await ask('POST', path, OFFICER, body);
    expect(status).toBe(400);
    expect((problem['errors'] as { at: string }[]).map((one) => one.at)).toContain(field);
    expect(JSON.stringify(problem)).not.toMatch(/x{30}|force":true/);
  });

  const queries: [string, string][] = [
    ['/crls/0/differences/2', 'path:a'],
    ['/crls/-1/differences/2', 'path:a'],
    ['/crls/１/differences/2', 'path:a'],
    [`/crls/1/differences/${'9'.repeat(49)}`, 'path:b'],
    ['/crls/2/differences/2', 'path:b'],
    ['/crls/3/differences/2', 'path:b'],
    ['/crls/1/differences/2?limit=0', 'query:limit'],
    ['/crls/1/differences/2?limit=1001', 'query:limit'],
    ['/crls/1/differences/2?after=xyz', 'query:after'],
    [`/crls/1/differences/2?after=${'a'.repeat(33)}`, 'query:after'],
    ['/crls/1/differences/2?before=1', 'query:before'],
    ['/emergency-lists?state=all', 'query:state'],
    ['/emergency-lists?after=-1', 'query:after'],
    ['/crls/releases?limit=201', 'query:limit'],
    ['/crls/releases?after=99999999999', 'query:after'],
  ];
  it.each(queries)('GET %s is refused and %s named', async (path, field) => {
    const { status, body } = await ask('GET', path, OPERATOR);
    expect(status).toBe(400);
    expect((body['errors'] as { at: string }[]).map((one) => one.at)).toContain(field);
  });

  it('of things that are not there is a 404', async () => {
    expect((await ask('GET', '/crls/1/differences/999', OPERATOR)).status).toBe(404);
    expect((await ask('POST', `/emergency-lists/${id}/approval`, OFFICER, {})).status).toBe(404);
    expect((await ask('POST', `/emergency-lists/${id}/rejection`, OFFICER, { ground })).status).toBe(404);
    expect((await ask('POST', `/crls/releases/${id}/approval`, OFFICER, {})).status).toBe(404);
    expect((await ask('POST', `/crls/held/${cut}/release`, OFFICER, { ground, digest })).status).toBe(404);
  });

  it('no JSON, a deep one and one that is too large are refused, and nothing was asked for', async () => {
    const deep = `{"ground":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    for (const body of ['{', '', '"x"', deep, JSON.stringify({ ground: 'x'.repeat(10_000_000) })]) {
      const { status } = await ask('POST', '/emergency-lists', OFFICER, body);
      expect([400, 413]).toContain(status);
    }
    expect(items(await ask('GET', '/emergency-lists', OPERATOR))).toHaveLength(1);
  });

  it('comes to no door that is not the caller’s', async () => {
    const doors: [string, string, unknown, `${string}/ca-operator` | `${string}/auditor` | `${string}/ca-officer`][] = [
      ['POST', '/emergency-lists', { ground }, 'chen/ca-operator'],
      ['POST', `/emergency-lists/${id}/approval`, {}, 'huang/auditor'],
      ['POST', `/emergency-lists/${id}/rejection`, { ground }, 'chen/ca-operator'],
      ['POST', `/crls/held/${cut}/release`, { ground, digest }, 'huang/auditor'],
      ['POST', `/crls/releases/${id}/approval`, {}, 'chen/ca-operator'],
      ['POST', `/crls/releases/${id}/rejection`, { ground }, 'chen/ca-operator'],
      ['GET', '/crls/1/differences/2', undefined, 'wang/ca-officer'],
      ['GET', '/alarms', undefined, 'wang/ca-officer'],
    ];
    for (const [method, path, body, by] of doors) {
      expect([path, (await ask(method, path, undefined, body)).status]).toEqual([path, 401]);
      expect([path, (await ask(method, path, by, body)).status]).toEqual([path, 403]);
    }
  });
});

describe('the figures', () => {
  it('say how long the list lasts, what is published and what was alarmed', async () => {
    const { text } = await scrape();
    const [newest] = items(await ask('GET', '/crls?limit=1'));
    expect(text).toContain(`kaika_crl_published_number ${String(newest!['number'])}\n`);
    const left = Number(/^kaika_crl_next_update_seconds (\S+)$/m.exec(text)![1]);
    expect(left).toBeGreaterThan(86_400);
    expect(text).toContain('kaika_crl_run_state{state="idle"} 1\n');
    expect(text).toContain('kaika_crl_run_state{state="held"} 0\n');
    expect(text).toContain('kaika_crl_unexplained_entries 0\n');
    expect(text).toContain('kaika_crl_feed_lag_rows 0\n');
    expect(text).toContain('kaika_crl_alarms_total{alarm="listReleased"} 1\n');
  });
});
