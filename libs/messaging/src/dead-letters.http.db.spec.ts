import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { systemClock } from '#libs/clock';
import { DatabaseModule, migrate, provision, type TestService, withTestDatabase } from '#libs/database';
import { issueToken, type Role, type SigningKey } from '#libs/doors';
import { TOPICS } from '#libs/events';
import { createLogger, createService, type RunningService } from '#libs/host';
import { scrape } from '#libs/metrics';
import { effects, MEMBER_MIGRATIONS, numbered } from '../test/member.js';
import { eventually } from '../test/eventually.js';
import { BUS_MIGRATIONS, Consumer, type Delivery, EmbeddedLog, type Handlers, MessagingModule } from './index.js';

const ISSUER = 'http://issuer.example';
const dir = mkdtempSync(join(tmpdir(), 'kaika-letters-'));
const database = withTestDatabase();
const trouble = { broken: true };
let db: TestService;
let bus: EmbeddedLog;
let service: RunningService;
let key: SigningKey;
let base: string;

@Controller()
class ThingsHandlers {
  readonly on: Handlers = {
    'application.received': async (e, tx) => {
      if (trouble.broken && e.data.caseNumber === '1') throw new TypeError('cannot digest 1');
      await tx.query('insert into effect (key, n) values ($1, $2)', [e.subject, Number(e.data.caseNumber)]);
    },
  };
  constructor(private readonly consumer: Consumer) {}

  @EventPattern(TOPICS.issuance)
  receive(@Payload() delivery: Delivery): Promise<void> {
    return this.consumer.receive(delivery, this.on);
  }
}

beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  key = { privateKey, kid: 'test' };
  const jwksFile = join(dir, 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test' }] }));
  db = await database.service('things', MEMBER_MIGRATIONS);
  const urls = await provision(database.url, 'bus', { owner: 'o', app: 'a' });
  await migrate({ ownerUrl: urls.ownerUrl, schema: 'bus', migrations: BUS_MIGRATIONS });
  bus = new EmbeddedLog(urls.appUrl);

  @Module({
    imports: [
      DatabaseModule.forService({ appUrl: db.appUrl, schema: 'things' }),
      MessagingModule.forService({ service: 'things', transport: { kind: 'embedded', busUrl: urls.appUrl } }),
    ],
    controllers: [ThingsHandlers],
  })
  class ThingsModule {}
  const surroundings = { log: createLogger('silent'), clock: systemClock(), tokens: { issuer: ISSUER, jwksFile } };
  service = await createService('things', ThingsModule, surroundings);
  await service.app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}/api/v1/things`;

  const events = [numbered('a', 1), numbered('a', 2), numbered('b', 1), numbered('b', 2), numbered('c', 3)];
  await bus.send(
    events.map((e) => ({ topic: TOPICS.issuance, key: e.subject, id: e.id, value: JSON.stringify(e) })), // prettier-ignore
  );
  await eventually(async () => expect((await ask('GET', '/dead-letters', 'ca-operator')).body.items).toHaveLength(4));
});
afterAll(async () => {
  await service.close();
  await bus.close();
  rmSync(dir, { recursive: true });
});

interface Answer {
  status: number;
  body: Record<string, unknown> & { items: Record<string, unknown>[] };
}

async function ask(method: string, path: string, role: Role, { subject = role as string, body = {} } = {}) {
  const token = await issueToken(key, { issuer: ISSUER, subject, roles: [role], lifetimeSeconds: 60 });
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() } as Answer;
}
const letterOf = async (letterKey: string, state = 'dead') =>
  (await ask('GET', `/dead-letters?state=${state}`, 'auditor')).body.items.find((item) => item['key'] === letterKey)!;
const idOf = async (letterKey: string) => String((await letterOf(letterKey))['id']);

describe('dead letters by HTTP', () => {
  it('are shown to who may see them: what failed and why, never what is in it', async () => {
    expect(await letterOf('a')).toEqual({
      id: expect.stringMatching(/^\d+$/),
      topic: TOPICS.issuance,
      key: 'a',
      recordId: expect.any(String),
      type: 'application.received',
      state: 'dead',
      reason: 'TypeError: cannot digest 1',
      attempts: 5,
      createdAt: expect.stringMatching(/Z$/),
      resolvedAt: null,
      resolvedBy: null,
      bytes: expect.any(Number),
      fields: ['caseNumber'],
    });
    for (const role of ['application-officer', 'kiosk', 'service', 'registration-office'] as const) {
      expect((await ask('GET', '/dead-letters', role)).status).toBe(403);
    }
  });

  it('come in pages', async () => {
    const seen: unknown[] = [];
    for (let after = '0'; ;) {
      const { items } = (await ask('GET', `/dead-letters?limit=3&after=${after}`, 'ca-operator')).body;
      seen.push(...items.map((item) => item['id']));
      if (items.length < 3) break;
      after = String(items.at(-1)!['id']);
    }
    expect(new Set(seen).size).toBe(4);
    for (const wrong of [
      'limit=0',
      'limit=201',
      'after=x',
      'after=-1',
      `after=${'9'.repeat(19)}`,
      'state=lost',
      'page=1',
    ]) {
      expect((await ask('GET', `/dead-letters?${wrong}`, 'ca-operator')).status).toBe(400);
    }
  });

  it('are counted in the figures', async () => {
    const { text } = await scrape();
    for (const line of [
      'kaika_dead_letters_open{service="things",state="dead"} 2',
      'kaika_dead_letters_open{service="things",state="waiting"} 2',
      'kaika_parked_keys{service="things"} 2',
      'kaika_events_received_total{service="things",outcome="dead_lettered"} 2',
      'kaika_events_received_total{service="things",outcome="handled"} 1',
      'kaika_event_retries_total{service="things"} 8',
      'route="/api/v1/things/dead-letters",status="403"} 4',
    ]) {
      expect(text).toContain(line);
    }
  });

  it('are replayed by an operator, in order, up to the first that fails', async () => {
    const id = await idOf('a');
    expect((await ask('POST', `/dead-letters/${id}/replay`, 'ca-officer')).status).toBe(403);
    expect((await ask('POST', '/dead-letters/99/replay', 'ca-operator')).status).toBe(404);
    expect((await ask('POST', '/dead-letters/x/replay', 'ca-operator')).status).toBe(400);
    expect((await ask('POST', `/dead-letters/${id}/replay`, 'ca-operator')).body).toEqual({
      replayed: 0,
      freed: false,
      failed: { id, reason: 'TypeError: cannot digest 1' },
    });
    trouble.broken = false;
    const answer = await ask('POST', `/dead-letters/${id}/replay`, 'ca-operator');
    expect(answer).toEqual({ status: 200, body: { replayed: 2, freed: true } });
    trouble.broken = true;
    expect((await effects(db)).get('a')).toEqual([1, 2]);
    expect(await letterOf('a', 'replayed')).toMatchObject({ resolvedBy: 'ca-operator' });
  });

  it('are discarded by two persons, after which the key goes on', async () => {
    const id = await idOf('b');
    const path = `/dead-letters/${id}/discard`;
    expect((await ask('POST', path, 'ca-operator')).status).toBe(400);
    const asked = await ask('POST', path, 'ca-officer', { subject: 'wang', body: { ground: 'made twice' } });
    expect(asked).toMatchObject({ status: 202, body: { state: 'open', parameters: { letter: id, key: 'b' } } });
    const decision = `/discard-requests/${String(asked.body['id'])}`;
    expect((await ask('POST', `${decision}/approval`, 'ca-officer', { subject: 'wang' })).status).toBe(403);
    expect((await ask('POST', `${decision}/approval`, 'ca-operator', { subject: 'wu' })).status).toBe(403);
    expect(await letterOf('b')).toMatchObject({ state: 'dead' });

    const approvals = await Promise.all(
      [1, 2, 3].map(() => ask('POST', `${decision}/approval`, 'ca-officer', { subject: 'wu' })),
    );
    for (const { status, body } of approvals) {
      expect({ status, body }).toMatchObject({ status: 200, body: { state: 'approved', replay: { freed: true } } });
    }
    expect((await effects(db)).get('b')).toEqual([2]);
    expect(await letterOf('b', 'discarded')).toMatchObject({ resolvedBy: 'wang, wu' });
    const given = (query: string) => ask('GET', `/discard-requests?state=approved${query}`, 'auditor');
    const { items, next } = (await given('&limit=1')).body as { items: unknown[]; next: number };
    expect(items).toHaveLength(1);
    expect((await given(`&after=${next}`)).body).toEqual({ items: [], next: null });
  });

  it('stay when the second person says no, or when they are resolved meanwhile', async () => {
    await bus.send([{ topic: TOPICS.issuance, key: 'd', id: 'd-1', value: '{' }]);
    await eventually(async () => expect(await letterOf('d')).toBeDefined());
    const id = await idOf('d');
    const discard = async (ground: string) =>
      String((await ask('POST', `/dead-letters/${id}/discard`, 'ca-operator', { body: { ground } })).body['id']);
    const no = `/discard-requests/${await discard('one')}/rejection`;
    expect(await ask('POST', no, 'ca-officer', { body: { ground: 'look again' } })).toMatchObject({
      status: 200,
      body: { state: 'rejected', ground: 'look again' },
    });
    expect(await letterOf('d')).toMatchObject({ state: 'dead', fields: null });
    const [two, three] = [await discard('two'), await discard('three')];
    expect((await ask('POST', `/discard-requests/${two}/approval`, 'ca-officer')).status).toBe(200);
    expect((await ask('POST', `/discard-requests/${three}/approval`, 'ca-officer')).status).toBe(409);
  });
});
