import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CodeHasher, ensureKeyPair, type KeyPair, Pepper } from '#libs/credentials';
import { dataSource, provision, withTestDatabase } from '#libs/database';
import { issueToken } from '#libs/doors';
import { DataSource } from 'typeorm';
import { insertCard } from '../../services/suspension/src/card.js';
import { issued } from '../../services/suspension/src/suspension.fixture.js';
import { ServiceProcess } from './service-process.js';

const CODE = 'Kaika#2026';
/** Nothing listens there. */
const CLOSED = '127.0.0.1:1';
const ISSUER = 'http://identity.example';

/** Suspension is what must work when nothing else does (DESIGN.md §4): its own database, its pepper, and no more. */
describe.each([
  ['the embedded log', { KAIKA_BUS_URL: `postgres://nobody@${CLOSED}/none` }],
  ['Kafka', { KAFKA_BROKERS: CLOSED }],
])('suspension, with %s and all else away', (_bus, bus) => {
  const database = withTestDatabase();
  const dir = mkdtempSync(join(tmpdir(), 'kaika-alone-'));
  const file = (name: string) => join(dir, name);
  const running: ServiceProcess[] = [];
  let officer: KeyPair;
  let urls: { ownerUrl: string; appUrl: string };
  let settings: NodeJS.ProcessEnv;
  let source: DataSource;

  beforeAll(async () => {
    urls = await provision(database.url, 'suspension', { owner: 'owner', app: 'app' });
    const address = new URL(urls.appUrl);
    writeFileSync(file('password'), `${decodeURIComponent(address.password)}\n`);
    address.password = '';
    Pepper.ensure(file('pepper'));
    await ensureKeyPair(file('suspension.jwk'));
    officer = await ensureKeyPair(file('issuer.jwk'), 'Ed25519');
    writeFileSync(file('jwks.json'), JSON.stringify({ keys: [officer.publicJwk] }));
    settings = {
      ...bus,
      DATABASE_URL: address.toString(),
      KAIKA_DATABASE_PASSWORD_FILE: file('password'),
      KAIKA_PEPPER_FILE: file('pepper'),
      KAIKA_CREDENTIAL_KEY_FILE: file('suspension.jwk'),
      KAIKA_TOKEN_ISSUER: ISSUER,
      KAIKA_JWKS_FILE: file('jwks.json'),
      KAIKA_JWKS_URL: `http://${CLOSED}/jwks`,
      KAIKA_SERVICE_JWKS_FILE: file('jwks.json'),
    };
    source = await new DataSource(dataSource({ appUrl: urls.appUrl, schema: 'suspension' })).initialize();
  }, 120_000);
  afterAll(async () => {
    await Promise.all(running.map((process) => process.signal('SIGKILL')));
    await source.destroy();
    rmSync(dir, { recursive: true });
  }, 60_000);

  const start = (...args: string[]): ServiceProcess => {
    const process = new ServiceProcess('suspension', { ...settings, KAIKA_DATABASE_OWNER_URL: urls.ownerUrl }, ...args);
    running.push(process);
    return process;
  };
  /** What its event handlers would have left of a card, had the bus brought it before it went away. */
  const knownCard = async (): Promise<string> => {
    const card = issued();
    const verifier = await new CodeHasher(Pepper.read(file('pepper'))).hash(CODE);
    await source.transaction(async (tx) => {
      await insertCard(tx, card, new Date('2036-01-01T00:00:00Z'));
      await tx.query('insert into verifier values ($1, 1, $2)', [card.cardNumber, verifier]);
    });
    return card.cardNumber;
  };
  const post = async (url: string, path: string, body: object, token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('migrates by the owner role, and has nothing to do the second time', async () => {
    const [first, second] = [start('migrate'), start('migrate')];
    expect([await first.ended, await second.ended]).toEqual([0, 0]);
    const told = first.output + second.output;
    expect(told.match(/suspension: applied \w+/g)).toHaveLength(new Set(told.match(/applied \w+/g)).size);
    expect(told).toContain('suspension: nothing to apply, up to date');
  }, 60_000);

  it('starts, suspends and resumes, for subscribers and officers; stops with 0 and starts again', async () => {
    const card = await knownCard();
    const first = start();
    let url = await first.ready();
    expect(await post(url, `/cards/${card}/suspension`, { userCode: CODE })).toMatchObject({
      status: 200,
      body: { status: 'suspended' },
    });
    const token = await issueToken(officer, {
      issuer: ISSUER,
      subject: 'wang',
      roles: ['ca-officer'],
      lifetimeSeconds: 60,
    });
    const hold = { ground: 'a test', holder: 'ca' };
    const other = await knownCard();
    expect((await post(url, `/cards/${other}/hold`, hold, token)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect(await first.signal('SIGTERM')).toBe(0);

    const second = start();
    url = await second.ready();
    expect((await post(url, `/cards/${card}/resumption`, { userCode: CODE })).status).toBe(200);
    expect(await second.signal('SIGKILL')).toBeNull();
    const third = start();
    url = await third.ready();
    expect((await post(url, `/cards/${card}/suspension`, { userCode: CODE })).status).toBe(200);
    expect(await third.signal('SIGINT')).toBe(0);
    // Nothing is lost of what could not be sent.
    const [waiting] = (await source.query('select count(*)::int as n from outbox where dispatched_at is null')) as [{ n: number }]; // prettier-ignore
    expect(waiting.n).toBeGreaterThanOrEqual(4);
  }, 180_000);

  it('answers what is under way when it is told to stop', async () => {
    const process = start();
    const url = await process.ready();
    const cards = await Promise.all(Array.from({ length: 4 }, knownCard));
    // Begun, and not ended before the signal is sent: the body is not all there yet.
    const requests = await Promise.all(cards.map((card) => halfSent(url, `/api/v1/cards/${card}/suspension`)));
    const ended = process.signal('SIGTERM');
    await refusing(url);
    const answers = await Promise.all(requests.map((request) => request.finish()));
    expect(answers.map((answer) => /^HTTP\/1.1 (\d+)/.exec(answer)?.[1])).toEqual(['200', '200', '200', '200']);
    for (const answer of answers) expect(answer).toMatch(/connection: close[\s\S]*"status":"suspended"/i);
    expect(await ended).toBe(0);
  }, 120_000);

  it('ends with 1 and says what is wrong: settings by name, a port that is taken', async () => {
    const wrong = { PORT: 'sesame', DATABASE_URL: 'sesame', KAIKA_PEPPER_FILE: 'sesame' };
    const refused = new ServiceProcess('suspension', { ...settings, ...wrong });
    expect(await refused.ended).toBe(1);
    for (const variable of Object.keys(wrong)) expect(refused.output).toContain(`${variable}: `);
    expect(refused.output).not.toContain('sesame');
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const { port } = other.address() as AddressInfo;
    const late = new ServiceProcess('suspension', { ...settings, PORT: String(port) });
    expect(await late.ended).toBe(1);
    expect(late.output).toContain(`suspension: port ${port} is in use: stop what uses it, or set PORT`);
    other.close();
    const asked = start('migrat');
    expect([await asked.ended, asked.output]).toEqual([2, 'suspension: no arguments to serve, or: migrate\n']);
  }, 120_000);
});

/** A request whose body's end is sent by `finish`, which gives the whole answer. */
async function halfSent(url: string, path: string): Promise<{ finish(): Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify({ userCode: CODE });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  const closed = new Promise<void>((done, fail) => socket.once('close', () => done()).once('error', fail));
  const head = [`POST ${path} HTTP/1.1`, 'host: x', 'content-type: application/json', `content-length: ${body.length}`, 'expect: 100-continue']; // prettier-ignore
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  await new Promise<void>((done) => socket.once('data', () => done())); // "100 Continue": it is under way
  answer = '';
  return {
    finish: async () => {
      socket.write(body.slice(5));
      await closed;
      return answer;
    },
  };
}

async function refusing(url: string): Promise<void> {
  for (;;) {
    const refused = await fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    );
    if (refused) return;
  }
}
