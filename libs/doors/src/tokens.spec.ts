import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JWK } from 'jose';
import { ROLES } from './endpoint.js';
import { issueToken, SERVICE_ISSUER, serviceKeySet, type SigningKey } from './issue-token.js';
import { KeyRefresh } from './key-refresh.js';
import { Tokens } from './tokens.js';

const ISSUER = 'https://identity.example';

interface TestKey extends SigningKey {
  publicJwk: JWK & { kid: string };
}

function newKey(kid: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { kid, privateKey, publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), kid } };
}

const people = newKey('people');
const acceptance = newKey('acceptance');
const statusQuery = newKey('status-query');

const dir = mkdtempSync(join(tmpdir(), 'kaika-tokens-'));
const jwksFile = join(dir, 'jwks.json');
const serviceJwksFile = join(dir, 'service-jwks.json');
afterAll(() => rmSync(dir, { recursive: true }));

/** As whoever changes keys does: a whole file in the place of another. */
function place(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${file}.new`, file);
}

beforeEach(() => {
  place(jwksFile, { keys: [people.publicJwk] });
  place(serviceJwksFile, serviceKeySet({ acceptance: acceptance.publicJwk, 'status-query': statusQuery.publicJwk }));
});

const all = [...ROLES];
const token = (key: SigningKey, issuer: string, subject = 'wang', lifetimeSeconds = 60) =>
  issueToken(key, { issuer, subject, roles: all, lifetimeSeconds }).then((text) => `Bearer ${text}`);
const refused = async (tokens: Tokens, authorization: string | undefined, code = 'unauthorized') =>
  expect(tokens.verify(authorization)).rejects.toMatchObject({ name: 'CaError', code });

describe('a token', () => {
  const tokens = new Tokens({ issuer: ISSUER, jwksFile, serviceJwksFile });

  it('of the identity provider never has the role of a service', async () => {
    const { subject, roles } = await tokens.verify(await token(people, ISSUER));
    expect(subject).toBe('wang');
    expect(roles).toEqual(ROLES.filter((role) => role !== 'service'));
    // Whatever it calls its subject.
    expect((await tokens.verify(await token(people, ISSUER, 'service:acceptance'))).roles).not.toContain('service');
  });

  it('of a service has no other role', async () => {
    expect(await tokens.verify(await token(acceptance, SERVICE_ISSUER, 'service:acceptance'))).toEqual({
      subject: 'service:acceptance',
      roles: ['service'],
    });
  });

  it('is refused when a key of one issuer speaks for the other, or a service for another', async () => {
    await refused(tokens, await token(people, SERVICE_ISSUER, 'service:acceptance'));
    await refused(tokens, await token(acceptance, ISSUER));
    await refused(tokens, await token(acceptance, SERVICE_ISSUER, 'service:status-query'));
    await refused(tokens, await token(acceptance, SERVICE_ISSUER, 'wang'));
    await refused(tokens, await token(people, 'https://other.example'));
  });

  it('is refused when it is forged, expired, of an unknown key, or none at all', async () => {
    await refused(tokens, await token({ ...newKey('x'), kid: 'people' }, ISSUER));
    await refused(tokens, await token(people, ISSUER, 'wang', -60));
    await refused(tokens, await token(newKey('unknown'), ISSUER));
    await refused(tokens, undefined);
    await refused(tokens, 'Bearer a.b.c');
    const [head, payload] = (await token(people, ISSUER)).split('.');
    await refused(tokens, `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`);
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    await refused(tokens, `Bearer ${none}.${payload}.`);
  });

  it('of a service is refused where no service is trusted', async () => {
    const alone = new Tokens({ issuer: ISSUER, jwksFile });
    await refused(alone, await token(acceptance, SERVICE_ISSUER, 'service:acceptance'));
  });
});

describe('the file of keys', () => {
  it('is noticed when it changes: a new key counts, and one that was taken away no more', async () => {
    const tokens = new Tokens({ issuer: ISSUER, jwksFile, serviceJwksFile });
    const next = newKey('next');
    await tokens.verify(await token(people, ISSUER));
    await refused(tokens, await token(next, ISSUER));
    place(jwksFile, { keys: [next.publicJwk] });
    await tokens.verify(await token(next, ISSUER));
    await refused(tokens, await token(people, ISSUER));
    place(serviceJwksFile, serviceKeySet({ 'status-query': statusQuery.publicJwk }));
    await refused(tokens, await token(acceptance, SERVICE_ISSUER, 'service:acceptance'));
  });

  it('leaves the keys as they were when it is broken or gone, and says so once', async () => {
    const told: string[] = [];
    const log = { warn: (_about: object, message: string) => told.push(message) };
    const tokens = new Tokens({ issuer: ISSUER, jwksFile, serviceJwksFile }, { log: log as never });
    const good = await token(people, ISSUER);
    await tokens.verify(good);
    for (const broken of ['{"keys":', { keys: [] }, '']) {
      place(jwksFile, broken);
      await tokens.verify(good);
      await tokens.verify(good);
    }
    rmSync(jwksFile);
    await tokens.verify(good);
    expect(told).toHaveLength(4);
    place(jwksFile, { keys: [newKey('new').publicJwk] });
    await refused(tokens, good);
  });

  it('that never was there is not the caller’s fault', async () => {
    rmSync(jwksFile);
    const tokens = new Tokens({ issuer: ISSUER, jwksFile, serviceJwksFile });
    await refused(tokens, await token(people, ISSUER), 'identityUnavailable');
    await tokens.verify(await token(acceptance, SERVICE_ISSUER, 'service:acceptance'));
  });
});

describe('the keys of an identity provider', () => {
  let provider: Server;
  let jwksUrl: string;
  let asked = 0;
  let answer: { status: number; body: unknown };

  beforeAll(async () => {
    provider = createServer((_request, response) => {
      asked += 1;
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done));
    jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`;
  });
  beforeEach(() => {
    asked = 0;
    answer = { status: 200, body: { keys: [people.publicJwk] } };
  });
  afterEach(() => rmSync(jwksFile, { force: true }));
  afterAll(() => void provider.close());

  it('are got for the first token, kept on disk, and used while the provider is away', async () => {
    rmSync(jwksFile);
    const good = await token(people, ISSUER);
    await new Tokens({ issuer: ISSUER, jwksFile, jwksUrl }).verify(good);
    expect(JSON.parse(readFileSync(jwksFile, 'utf8'))).toEqual({ keys: [people.publicJwk] });
    const away = new Tokens({ issuer: ISSUER, jwksFile, jwksUrl: 'http://127.0.0.1:1/jwks' });
    expect((await away.verify(good)).subject).toBe('wang');
    await refused(away, await token(newKey('unknown'), ISSUER));
  });

  it('are asked for again for a key nobody knows, at most each 30 s whoever sends such tokens', async () => {
    const next = newKey('next');
    const tokens = new Tokens({ issuer: ISSUER, jwksFile, jwksUrl });
    await tokens.verify(await token(people, ISSUER));
    expect(asked).toBe(0);
    answer.body = { keys: [people.publicJwk, next.publicJwk] };
    const fresh = await token(next, ISSUER);
    await Promise.all(Array.from({ length: 20 }, () => tokens.verify(fresh)));
    expect(asked).toBe(1);
    for (let i = 0; i < 20; i += 1) await refused(tokens, await token(newKey(`unknown-${i}`), ISSUER));
    expect(asked).toBe(1);
  });

  it('are asked for again after 30 s', async () => {
    let nowMs = 0;
    const refresh = new KeyRefresh({ url: jwksUrl, file: jwksFile, steadyMs: () => nowMs });
    expect(await refresh.unknownKey()).toBe(true);
    nowMs = 29_999;
    expect(await refresh.unknownKey()).toBe(false);
    nowMs = 30_000;
    expect(await refresh.unknownKey()).toBe(true);
    expect(asked).toBe(2);
  });

  it('stay as they are when the answer is none that can be used', async () => {
    const before = readFileSync(jwksFile, 'utf8');
    const refresh = new KeyRefresh({ url: jwksUrl, file: jwksFile });
    for (const bad of [
      { status: 500, body: { keys: [people.publicJwk] } },
      { status: 200, body: { keys: [] } },
      { status: 200, body: 'sign in first' },
    ]) {
      answer = bad;
      await expect(refresh.refresh()).rejects.toThrow('answered');
      expect(readFileSync(jwksFile, 'utf8')).toBe(before);
    }
  });
});
