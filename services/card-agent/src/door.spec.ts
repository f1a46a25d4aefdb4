import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Agent, PORTAL, startAgent } from './agent.fixture.js';

describe('the agent’s door', () => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent.stop());

  const status = (headers: Record<string, string>, method = 'GET') => agent.send(method, '/v1/status', headers);
  const OWN = { 'x-kaika-agent': '1', origin: PORTAL };

  it('lets a page on the list in, and answers CORS for exactly that origin', async () => {
    const { status: code, headers, json } = await status(OWN);
    expect(code).toBe(200);
    expect(json).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      state: 'no-card',
      readers: [{ name: 'virtual reader', state: 'no-card' }],
      hint: { zh: expect.stringContaining('未偵測到'), en: expect.stringContaining('no card') },
    });
    expect(headers['access-control-allow-origin']).toBe(PORTAL);
    expect(headers.vary).toContain('Origin');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['cache-control']).toBe('no-store');
  });

  it.each([
    'https://evil.example',
    'https://ca.example.evil.example',
    'https://evilca.example',
    'http://ca.example',
    'https://ca.example:8443',
    'https://ca.example/',
    'https://CA.example',
    'null',
    '*',
    '',
  ])('refuses the origin %j, without a CORS header', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) {
      const { status: code, headers, json } = await status({ ...OWN, origin }, method);
      expect(code).toBe(403);
      expect(json.type).toBe('urn:kaika:error:originNotAllowed');
      expect(headers['access-control-allow-origin']).toBeUndefined();
      // Unreadable, but to the question that asks for it not as if nobody was there.
      expect(headers['cross-origin-resource-policy']).toBe(method === 'GET' ? 'cross-origin' : 'same-origin');
    }
  });

  it.each([
    ['GET', '/v1/card'],
    ['POST', '/v1/status'],
    ['POST', '/v1/proofs'],
    ['GET', '/v1/nothing'],
    ['GET', '/'],
  ])('does not even say that somebody is here to a foreign %s %s', async (method, path) => {
    const { status: code, headers } = await agent.send(method, path, { ...OWN, origin: 'https://evil.example' });
    expect(code).toBe(403);
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  it('refuses a request without an origin, or without the header that no form can send', async () => {
    expect((await status({ 'x-kaika-agent': '1' })).status).toBe(403);
    expect((await status({ origin: PORTAL })).status).toBe(403);
    expect((await agent.send('POST', '/v1/card', { origin: PORTAL })).status).toBe(403);
    expect((await agent.send('PUT', '/virtual/reader', {}, '{}')).status).toBe(403);
  });

  it.each(['ca.example', 'evil.example:PORT', 'localhost:PORT', '127.0.0.1', '127.evil.example:PORT', '127.0.0.1:1'])(
    'is not reached by the name %s: a rebound DNS name gets 421',
    async (name) => {
      const host = name.replace('PORT', String(agent.port));
      for (const path of ['/v1/status', '/pin/x', '/pairing/x', '/check', '/openapi.json', '/']) {
        const { status: code, json } = await agent.send('GET', path, { ...OWN, host });
        expect(code).toBe(421);
        expect(json.type).toBe('urn:kaika:error:hostNotAllowed');
      }
    },
  );

  it('answers a preflight, with the questions browsers ask before they let a page reach loopback', async () => {
    const { status: code, headers } = await status(
      {
        origin: PORTAL,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-kaika-agent',
        'access-control-request-private-network': 'true',
        'access-control-request-local-network': 'true',
      },
      'OPTIONS',
    );
    expect(code).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': PORTAL,
      'access-control-allow-headers': 'authorization, content-type, x-kaika-agent',
      'access-control-allow-private-network': 'true',
      'access-control-allow-local-network': 'true',
    });
  });

  it('takes JSON only, and only what the contract names', async () => {
    const body = JSON.stringify({ session: 's', nonce: agent.nonce, purpose: 'accept' });
    const post = (type: string, text: string) =>
      agent.send('POST', '/v1/proofs', { ...OWN, 'content-type': type }, text);
    expect((await post('text/plain', body)).status).toBe(415);
    expect((await post('application/json', '{')).status).toBe(400);
    expect((await post('application/json', JSON.stringify({ ...JSON.parse(body), pin: '123456' }))).status).toBe(400);
    expect((await post('application/json', JSON.stringify({ filler: 'x'.repeat(20_000) }))).status).toBe(413);
  });

  it('redirects nowhere and knows no other paths, however they are written', async () => {
    for (const path of ['/', '/v1', '/v2/status', '/PIN/x', '//pin/x', '/pin', '/checks', '/pairing', '/v1/../pin/x']) {
      const { status: code } = await agent.send('GET', path, {});
      expect([403, 404]).toContain(code);
    }
    expect((await agent.api('GET', '/v1/nothing')).status).toBe(404);
  });

  it('shows its OpenAPI document, in which no PIN is a parameter', async () => {
    const { status: code, json } = await agent.send('GET', '/openapi.json', {});
    expect(code).toBe(200);
    expect(Object.keys(json.paths).sort()).toEqual([
      ...['/check', '/check/pin', '/check/pin-change', '/pairing/{id}', '/pin/{id}'],
      ...['/v1/card', '/v1/pairings', '/v1/pairings/{id}/token', '/v1/pin-changes', '/v1/pin-checks'],
      ...['/v1/pin-sessions', '/v1/pin-sessions/{id}', '/v1/proofs', '/v1/self-checks', '/v1/signatures'],
      ...['/v1/status', '/v1/unlocks', '/virtual/reader'],
    ]);
    expect(JSON.stringify(json)).not.toMatch(/"(newPin|confirmPin|pin)"/);
  });

  it('listens on loopback alone', async () => {
    const reachable = (host: string) =>
      new Promise<boolean>((resolve) => {
        const socket = connect(agent.port, host, () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
    expect(await reachable('127.0.0.1')).toBe(true);
    expect(await reachable('127.0.0.2')).toBe(false);
  });
});
