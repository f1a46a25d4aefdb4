import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import { type Agent, PORTAL, startAgent } from '../agent.fixture.js';
import { Pairing } from './pairing.js';

const OTHER = 'https://kiosk.example:8443';

describe('pairing a page with the agent', () => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await startAgent({ pairing: true });
  });
  afterAll(() => agent.stop());

  async function codeOn(url: string): Promise<string> {
    const { text, headers } = await agent.send('GET', new URL(url).pathname, {});
    expect(String(headers['content-security-policy'])).toContain("frame-ancestors 'none'");
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(text).toContain(PORTAL);
    return /class="code">(\d{6})</.exec(text)![1]!;
  }

  it('lets a page ask for the state alone, until the holder has typed the code into it', async () => {
    expect((await agent.api('GET', '/v1/status')).json).toMatchObject({ state: 'pairing-needed', hint: {} });
    for (const path of [
      'card',
      'proofs',
      'pin-sessions',
      'pin-changes',
      'signatures',
      'pin-checks',
      'unlocks',
      'self-checks',
    ]) {
      expect(await agent.api('POST', `/v1/${path}`, {})).toMatchObject({
        status: 401,
        json: { type: 'urn:kaika:error:pairingNeeded' },
      });
    }
    expect((await agent.insert(null)).status).toBe(401);

    const { id, url } = (await agent.api('POST', '/v1/pairings')).json;
    const code = await codeOn(url);
    const confirmed = await agent.api('POST', `/v1/pairings/${id}/token`, { code });
    expect(confirmed.status).toBe(201);
    const authorization = `Bearer ${confirmed.json.token}`;
    const asked = await agent.api('POST', '/v1/card', {}, { authorization });
    expect(asked.json.type).toBe('urn:kaika:error:noCard');
    expect((await agent.api('GET', '/v1/status', undefined, { authorization })).json.state).toBe('no-card');

    const elsewhere = await agent.api('POST', '/v1/card', {}, { authorization, origin: OTHER });
    expect(elsewhere.status).toBe(401); // the token is for its origin
    expect((await agent.api('POST', `/v1/pairings/${id}/token`, { code })).status).toBe(403); // and the code for once
    expect((await agent.send('GET', new URL(url).pathname, {})).status).toBe(404);
    expect(agent.said.filter((line) => line.includes(code) && !line.includes('class="code"'))).toEqual([]);
  });
});

describe('Pairing', () => {
  const clock = systemClock();
  const newPairing = () => new Pairing(true, clock);
  const later = (seconds: number) => clock.set(-100_000_000 + seconds * 1000);

  it('forgets a token ten minutes after its last use; looking is no use', () => {
    later(0);
    const pairing = newPairing();
    const id = pairing.begin(PORTAL);
    const authorization = `Bearer ${pairing.confirm(id, PORTAL, pairing.shown(id)!.code)}`;
    later(599);
    expect(pairing.isPaired(PORTAL, authorization, 'counts')).toBe(true);
    later(599 + 599);
    expect(pairing.isPaired(PORTAL, authorization)).toBe(true);
    later(599 + 600);
    expect(pairing.isPaired(PORTAL, authorization, 'counts')).toBe(false);
  });

  it('shows a code for two minutes, to be confirmed by the page that asked', () => {
    later(0);
    const pairing = newPairing();
    const id = pairing.begin(PORTAL);
    const { code } = pairing.shown(id)!;
    expect(() => pairing.confirm(id, OTHER, code)).toThrow(expect.objectContaining({ code: 'pairingRefused' }));
    later(121);
    expect(pairing.shown(id)).toBeUndefined();
    expect(() => pairing.confirm(id, PORTAL, code)).toThrow(expect.objectContaining({ code: 'pairingRefused' }));
  });

  it('ends a code at its third wrong guess, and all guessing at the tenth, for ten minutes', () => {
    later(0);
    const pairing = newPairing();
    const guess = (id: string) => {
      try {
        return pairing.confirm(id, PORTAL, 'no code');
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    let id = pairing.begin(PORTAL);
    for (let n = 0; n < 10; n++) {
      if (!pairing.shown(id)) id = pairing.begin(PORTAL);
      expect(guess(id)).toBe('pairingRefused');
      if (n % 3 === 2) expect(pairing.shown(id)).toBeUndefined();
    }
    id = pairing.begin(PORTAL);
    const { code } = pairing.shown(id)!;
    expect(guess(id)).toBe('tooManyAttempts');
    expect(() => pairing.confirm(id, PORTAL, code)).toThrow(expect.objectContaining({ code: 'tooManyAttempts' }));
    later(601);
    id = pairing.begin(PORTAL);
    expect(pairing.confirm(id, PORTAL, pairing.shown(id)!.code)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('is not needed where it is switched off', () => {
    expect(new Pairing(false, clock).isPaired(PORTAL, undefined, 'counts')).toBe(true);
    expect(newPairing().isPaired(PORTAL, 'Bearer nothing', 'counts')).toBe(false);
  });
});
