import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';
import { ensureKeyPair } from '#libs/credentials';
import { Tokens } from '#libs/doors';
import { createLogger } from '#libs/host';
import { demoToken } from '../demo-users.js';
import { CONSOLE_CLIENT, createIdentity } from './identity.js';

const insecure = { [oauth.allowInsecureRequests]: true };
const client: oauth.Client = { client_id: CONSOLE_CLIENT, id_token_signed_response_alg: 'EdDSA' };
const dir = mkdtempSync(join(tmpdir(), 'kaika-identity-'));
let server: Server;
let origin: string;
let issuer: string;
let tokens: Tokens;
let demo: string;

beforeAll(async () => {
  const key = await ensureKeyPair(join(dir, 'issuer.jwk'), 'Ed25519');
  writeFileSync(join(dir, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }));
  server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  issuer = `${origin}/identity`;
  server.on('request', await createIdentity({ issuer, key, origins: [origin], log: createLogger('silent') }));
  tokens = new Tokens({ issuer, jwksFile: join(dir, 'jwks.json') });
  demo = await demoToken(key, issuer, 'wang');
});
afterAll(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

/** A browser, as far as cookies and redirects go. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async go(address: string, form?: Record<string, string>): Promise<Response> {
    const { href } = new URL(address, origin);
    const response = await fetch(href, {
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';', 1)[0]!.split(/=(.*)/s);
      if (value) this.#cookies.set(name!, value);
      else this.#cookies.delete(name!);
    }
    const to = response.headers.get('location');
    return to && !to.includes('/console/login') && !to.includes('/interaction/') ? this.go(to) : response;
  }
}

async function discovered(): Promise<oauth.AuthorizationServer> {
  const identifier = new URL(issuer);
  return oauth.processDiscoveryResponse(identifier, await oauth.discoveryRequest(identifier, insecure));
}

async function asked(as: oauth.AuthorizationServer, more: Record<string, string> = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const address = new URL(as.authorization_endpoint!);
  address.search = new URLSearchParams({
    ...{ client_id: CONSOLE_CLIENT, redirect_uri: `${origin}/console/login`, response_type: 'code', scope: 'openid' },
    ...{
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    },
    ...more,
  }).toString();
  const redeem = async (callback: string) => {
    const params = oauth.validateAuthResponse(as, client, new URL(callback), state);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      params,
      `${origin}/console/login`,
      verifier,
      insecure, // prettier-ignore
    );
    return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce });
  };
  return { address: address.href, redeem };
}

async function signIn(browser: Browser, user: string) {
  const as = await discovered();
  const { address, redeem } = await asked(as);
  const chooser = await browser.go(address);
  const sent = await browser.go(chooser.headers.get('location') ?? '', { user });
  return redeem(sent.headers.get('location')!);
}

describe('the embedded identity provider', () => {
  it('signs a person in by code and PKCE, with a token that every door takes', async () => {
    const result = await signIn(new Browser(), 'wang');
    expect(await tokens.verify(`Bearer ${result.access_token}`)).toEqual({ subject: 'wang', roles: ['ca-officer'] });
    expect(decodeProtectedHeader(result.access_token)).toMatchObject({ alg: 'EdDSA', typ: 'at+jwt' });
    expect(oauth.getValidatedIdTokenClaims(result)?.sub).toBe('wang');
    expect(result.expires_in).toBe(3600);
    expect(result.refresh_token).toBeUndefined();
  });

  it('leaves the tokens of tools and tests as they are', async () => {
    expect(await tokens.verify(`Bearer ${demo}`)).toEqual({ subject: 'wang', roles: ['ca-officer'] });
  });

  it('asks again without a page while the session lasts, until it is ended', async () => {
    const browser = new Browser();
    await signIn(browser, 'huang');
    const as = await discovered();
    const silent = await asked(as, { prompt: 'none' });
    const result = await silent.redeem((await browser.go(silent.address)).headers.get('location')!);
    expect((await tokens.verify(`Bearer ${result.access_token}`)).roles).toEqual(['auditor']);

    const farewell = `${origin}/console/logged-out`;
    const page = await browser.go(`${as.end_session_endpoint}?client_id=${CONSOLE_CLIENT}&post_logout_redirect_uri=${farewell}`); // prettier-ignore
    const html = await page.text();
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(html)![1]!;
    await browser.go(`${issuer}/session/end/confirm`, { xsrf, logout: 'yes' }).catch(() => undefined);
    const refused = await browser.go((await asked(as, { prompt: 'none' })).address);
    expect(refused.headers.get('location')).toContain('error=login_required');
  });

  it('shows a page in both languages that needs nothing from elsewhere, and no script', async () => {
    for (const [ui_locales, lang, title] of [
      ['zh-TW', 'zh-Hant-TW', '示範登入'],
      ['en', 'en', 'Demo sign-in'],
    ] as const) {
      const browser = new Browser();
      const chooser = await browser.go((await asked(await discovered(), { ui_locales })).address);
      const page = await browser.go(chooser.headers.get('location')!);
      const html = await page.text();
      expect(html).toContain(`<html lang="${lang}">`);
      expect(html).toContain(`<h1>${title}</h1>`);
      expect(html).not.toMatch(/<script|<style|style="|https?:/);
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'self'");
    }
  });

  it('refuses codes without PKCE, other addresses to go back to, strangers and pages that nobody asked for', async () => {
    const as = await discovered();
    const { address } = await asked(as);
    const without = new URL(address);
    without.searchParams.delete('code_challenge');
    without.searchParams.delete('code_challenge_method');
    expect((await new Browser().go(without.href)).headers.get('location')).toContain('error=invalid_request');

    const elsewhere = new URL(address);
    elsewhere.searchParams.set('redirect_uri', 'https://evil.example/console/login');
    const page = await new Browser().go(elsewhere.href);
    expect([page.status, page.headers.get('location')]).toEqual([400, null]);

    const browser = new Browser();
    const chooser = await browser.go(address);
    const nobody = await browser.go(chooser.headers.get('location')!, { user: 'constructor' });
    expect(nobody.headers.get('location')).toContain('error=access_denied');
    expect((await new Browser().go('/identity/interaction/x')).status).toBe(400);
    const tooLong = await new Browser().go('/identity/interaction/x', { user: 'x'.repeat(5_000) });
    expect([tooLong.status, (await tooLong.text()).includes('at ')]).toEqual([413, false]);
  });

  it('says its own address, whatever the request calls it', async () => {
    const response = await fetch(
      `${origin.replace('localhost', '127.0.0.1')}/identity/.well-known/openid-configuration`,
      {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
      },
    );
    expect(await response.json()).toMatchObject({ issuer, token_endpoint: `${issuer}/token` });
  });
});
