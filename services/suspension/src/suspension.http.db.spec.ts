import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Clock, lastMidnight, nextMidnight, sleep, systemClock } from '#libs/clock';
import { CodeHasher, ensureKeyPair, Pepper, sealCredential, type KeyPair } from '#libs/credentials';
import { migrate, provision, schemaOf, setLogClock, withTestDatabase, type Migration } from '#libs/database';
import { issueToken, type Role } from '#libs/doors';
import { newEvent, topicOf, type EventData, type EventType, type StatusRow } from '#libs/events';
import { createLogger, createService, type RunningService } from '#libs/host';
import { BUS_MIGRATIONS, EmbeddedLog, PARTITIONS, strategyOf } from '#libs/messaging';
import { suspension } from './index.js';
import { replay } from './replay.fixture.js';
import { CODE, issued } from './suspension.fixture.js';

const ISSUER = 'http://issuer.example';
const UNREACHABLE = 'postgres://nobody:nothing@127.0.0.1:1/none';
const database = withTestDatabase();
const dir = mkdtempSync(join(tmpdir(), 'kaika-suspension-'));
const clock = new Clock();
let key: KeyPair;
let credentialKey: KeyPair;
let hasher: CodeHasher;
let ownerUrl: string;
let appUrl: string;
let service: RunningService;
let base: string;

async function start(busUrl: string): Promise<RunningService> {
  const env = {
    DATABASE_URL: appUrl,
    KAIKA_BUS_URL: busUrl,
    KAIKA_PEPPER_FILE: join(dir, 'pepper'),
    KAIKA_CREDENTIAL_KEY_FILE: join(dir, 'suspension.jwk'),
  };
  const running = await createService(suspension.name, await suspension.module(env), {
    log: createLogger('silent'),
    clock,
    tokens: { issuer: ISSUER, jwksFile: join(dir, 'jwks.json') },
  });
  await running.app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(running.app.getHttpServer().address() as AddressInfo).port}/api/v1`;
  return running;
}

async function schema(name: string, migrations: readonly Migration[]) {
  const urls = await provision(database.url, name, { owner: 'owner', app: 'app' });
  await migrate({ ownerUrl: urls.ownerUrl, schema: schemaOf(name), migrations: [...migrations] });
  return urls;
}

async function moveTo(at: Date): Promise<void> {
  const offsetMs = at.getTime() - systemClock().nowMs();
  await setLogClock(ownerUrl, 'suspension', offsetMs);
  clock.set(offsetMs);
}

/** 23:50 in Taipei, ten days ago. */
const NIGHT = new Date(lastMidnight(new Date(systemClock().nowMs() - 10 * 86_400_000)).getTime() - 600_000);
const MIDNIGHT = nextMidnight(NIGHT);
/** Of cards whose time for acceptance is not over. */
const notBefore = `${NIGHT.toISOString().slice(0, 19)}Z`;

beforeAll(async () => {
  key = await ensureKeyPair(join(dir, 'issuer.jwk'), 'Ed25519');
  writeFileSync(join(dir, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }));
  hasher = new CodeHasher(Pepper.ensure(join(dir, 'pepper')));
  credentialKey = await ensureKeyPair(join(dir, 'suspension.jwk'));
  ({ ownerUrl, appUrl } = await schema('suspension', suspension.migrations as Migration[]));
  await moveTo(NIGHT);
  service = await start(UNREACHABLE);
}, 60_000);
afterAll(async () => {
  await service.close();
  rmSync(dir, { recursive: true });
});

interface Answer {
  status: number;
  body: Record<string, unknown>;
}
async function ask(method: string, path: string, body?: unknown, role?: Role): Promise<Answer> {
  const token = role && (await issueToken(key, { issuer: ISSUER, subject: role, roles: [role], lifetimeSeconds: 60 }));
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Hands one event to the service's handlers, twice, as any transport may. */
async function tell<T extends EventType>(type: T, subject: string, data: EventData<T>): Promise<void> {
  const { id, ...event } = newEvent(type, subject, data, { source: 'test', now: clock.now() });
  const record = { topic: topicOf(type), key: subject, id, value: JSON.stringify({ id, ...event }) };
  for (let time = 0; time < 2; time++) await strategyOf(service.app)!.deliver(record);
}

async function credential(cardNumber: string, generation = 1, code = CODE) {
  const verifier = await hasher.hash(code);
  return sealCredential([credentialKey.publicJwk], { cardNumber, generation, verifier });
}

async function newCard(): Promise<string> {
  const card = issued({ notBefore });
  // The code comes before the card it belongs to: topics are not ordered among themselves.
  await tell('credential.set', card.cardNumber, await credential(card.cardNumber));
  await tell('certificate.issued', card.cardNumber, card);
  return card.cardNumber;
}

const suspend = (card: string, userCode = CODE) => ask('POST', `/cards/${card}/suspension`, { userCode });
const rows = async () => (await ask('GET', '/status-log', undefined, 'service')).body['rows'] as StatusRow[];

describe('with everything else down', () => {
  it('a card is accepted, suspended and resumed, and its receipts are kept', async () => {
    const card = await newCard();
    const activation = randomUUID();
    const accepted = await ask('PUT', `/cards/${card}/acceptance`, { activation }, 'service');
    expect(accepted).toMatchObject({ status: 200, body: { status: 'valid' } });
    expect(await ask('PUT', `/cards/${card}/acceptance`, { activation }, 'service')).toEqual(accepted);

    const suspended = await suspend(card.toLowerCase());
    expect(suspended).toMatchObject({
      status: 200,
      body: { cardNumber: card, status: 'suspended', list: null, cut: MIDNIGHT.toISOString().replace('.000', '') },
    });
    expect(await suspend(card)).toEqual(suspended);
    expect((await ask('GET', `/receipts/${String(suspended.body['id'])}`)).body).toEqual(suspended.body);
    const resumed = await ask('POST', `/cards/${card}/resumption`, { userCode: CODE });
    expect(resumed).toMatchObject({ status: 200, body: { status: 'valid', standingHolds: [] } });
    expect(await ask('POST', `/cards/${card}/resumption`, { userCode: CODE })).toEqual(resumed);
    replay(await rows());
  });

  it('a wrong code and an unknown card get the same answer, 3005', async () => {
    const card = await newCard();
    const before = await rows();
    const [wrong, unknown] = [await suspend(card, 'kaika#2026'), await suspend('TT99999999999999')];
    expect(wrong).toMatchObject({ status: 403, body: { legacyCode: '3005' } });
    expect(unknown).toEqual(wrong);
    expect(JSON.stringify(wrong)).not.toContain('2026');
    expect(await rows()).toEqual(before);
  });

  it('a hundred identical requests at once leave one row; each is answered with the one receipt or told to wait', async () => {
    const card = await newCard();
    const answers = await Promise.all(Array.from({ length: 100 }, () => suspend(card)));
    const done = answers.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    for (const { status } of answers) expect([200, 429, 503]).toContain(status);
    expect((await rows()).filter((row) => row.kind !== 'cut' && row.cardNumber === card)).toHaveLength(1);
  });

  it('guessing is slowed down, the holder’s own door is never locked', async () => {
    const card = await newCard();
    let last = await suspend(card, 'guess-0');
    for (let n = 1; n < 9; n++) last = await suspend(card, `guess-${n}`);
    expect(last).toMatchObject({ status: 429 });
    expect(last.body['retryAfterSeconds']).toBeGreaterThan(0);
    await moveTo(new Date(clock.nowMs() + 130_000));
    expect(await suspend(card)).toMatchObject({ status: 200 });
  });

  it('malformed requests name the field and never its value', async () => {
    const at = async (answer: Promise<Answer>) => {
      const { status, body } = await answer;
      expect(status).toBe(400);
      return (body['errors'] as { at: string }[]).map((error) => error.at);
    };
    expect(await at(suspend('TT1'))).toEqual(['path:n']);
    expect(await at(suspend('TT00000000000051', 'short'))).toEqual(['/userCode']);
    expect(await at(ask('GET', '/receipts/1'))).toEqual(['path:id']);
    expect(await at(ask('PUT', '/cuts/today', undefined, 'service'))).toEqual(['path:cut']);
    expect(await at(ask('PUT', '/cuts/2026-11-21T15:00:00Z', undefined, 'service'))).toEqual(['path:cut']);
    expect(await at(ask('GET', '/status-log?after=-1', undefined, 'service'))).toEqual(['query:after']);
    expect(await ask('GET', `/receipts/${randomUUID()}`)).toMatchObject({ status: 404 });
  });

  it('acceptance, cuts and the log are for services only', async () => {
    for (const [method, path, body] of [
      ['PUT', '/cards/TT00000000000051/acceptance', { activation: randomUUID() }],
      ['PUT', '/cuts/2026-11-21T16:00:00Z', undefined],
      ['PUT', `/cuts/emergency/${randomUUID()}`, undefined],
      ['GET', '/status-log', undefined],
    ] as const) {
      expect((await ask(method, path, body)).status).toBe(401);
      expect((await ask(method, path, body, 'ca-officer')).status).toBe(403);
    }
    expect(await ask('PUT', '/cuts/emergency/now', undefined, 'service')).toMatchObject({ status: 400 });
    const unknown = await ask('PUT', '/cards/TT99999999999999/acceptance', { activation: randomUUID() }, 'service');
    expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:kaika:error:unknownCard' } });
  });

  it('the cut of midnight is refused before, written by the timer after, and carried by receipt', async () => {
    const card = await newCard();
    const receipt = (await suspend(card)).body;
    const path = `/cuts/${String(receipt['cut'])}`;
    expect(await ask('PUT', path, undefined, 'service')).toMatchObject({
      status: 409,
      body: { type: 'urn:kaika:error:cutInFuture' },
    });
    await moveTo(MIDNIGHT);
    await until(async () => (await rows()).at(-1)!.kind === 'cut');
    const marker = (await rows()).at(-1)!;
    expect(await ask('PUT', path, undefined, 'service')).toEqual({ status: 200, body: marker });

    const list = { number: '43', sha256: 'ab'.repeat(32) };
    const issuerSki = issued().issuerSki;
    const published = (number: string, markerSeq: number) =>
      tell('crl.published', issuerSki, {
        ...list,
        issuerSki,
        number,
        markerSeq,
        kind: 'scheduled',
        cut: String(receipt['cut']),
        thisUpdate: String(receipt['cut']),
        nextUpdate: '2036-01-01T00:00:00Z',
        entryCount: 4,
      });
    await published('42', 1);
    expect((await ask('GET', `/receipts/${String(receipt['id'])}`)).body['list']).toBeNull();
    await published('43', marker.seq);
    expect((await ask('GET', `/receipts/${String(receipt['id'])}`)).body['list']).toEqual(list);
  });

  it('the log is read in pages', async () => {
    const all = await rows();
    const page = await ask('GET', '/status-log?after=1&limit=2', undefined, 'service');
    expect(page.body).toEqual({ epoch: all[0]!.epoch, rows: all.slice(1, 3) });
    expect((await ask('GET', '/status-log?after=100000', undefined, 'service')).body['rows']).toEqual([]);
  });
});

describe('when the bus comes', () => {
  it('every row leaves as one event, in order for each card, and events come in from it', async () => {
    await service.close();
    const bus = await schema('bus', BUS_MIGRATIONS as unknown as Migration[]);
    service = await start(bus.appUrl);
    const log = new EmbeddedLog(bus.appUrl);
    const expected = await rows();
    const sent = async () => {
      const records = await Promise.all(
        [...Array(PARTITIONS).keys()].map((partition) => log.read('kaika.status.v1', partition, 0n, 1_000)),
      );
      return records.flat().map((record) => (JSON.parse(record.value) as { data: StatusRow }).data);
    };
    await until(async () => (await sent()).length >= expected.length);
    const arrived = await sent();
    expect([...arrived].sort((a, b) => a.seq - b.seq)).toEqual(expected);
    const ofCard = (list: StatusRow[], card: string) =>
      list.filter((row) => row.kind !== 'cut' && row.cardNumber === card).map((row) => row.seq);
    for (const row of expected) {
      if (row.kind !== 'cut') expect(ofCard(arrived, row.cardNumber)).toEqual(ofCard(expected, row.cardNumber));
    }

    const card = issued({ notBefore });
    const events = [
      newEvent('credential.set', card.cardNumber, await credential(card.cardNumber), { source: 'x', now: clock.now() }),
      newEvent('certificate.issued', card.cardNumber, card, { source: 'x', now: clock.now() }),
    ];
    const records = events.map((event) => ({
      topic: topicOf(event.type),
      key: event.subject,
      id: event.id,
      value: JSON.stringify(event),
    }));
    await log.send([...records, ...records]);
    await until(async () => (await suspend(card.cardNumber)).status === 200);
    await log.close();
  });
});

async function until(done: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock().nowMs() + 20_000;
  while (!(await done())) {
    if (systemClock().nowMs() > deadline) throw new Error('waited for nothing');
    await sleep(20);
  }
}
