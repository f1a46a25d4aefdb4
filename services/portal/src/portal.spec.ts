import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { systemClock } from '#libs/clock';
import { createLogger, createService, type RunningService } from '#libs/host';
import { portal } from './index.js';
import { PAGES } from './page-paths.js';
import { readPortalConfig } from './portal.config.js';

interface Site {
  hotlines: { number: string }[];
  agentUrl: string;
  login: object | null;
}

describe('the portal', () => {
  let service: RunningService;
  let base: string;

  beforeAll(async () => {
    const env = {
      KAIKA_HOTLINE_2: 'abroad=+000-0002',
      KAIKA_HOTLINE_1: '<local>=000-0001',
      KAIKA_HOTLINE_10: 'night=000-0010',
      KAIKA_AGENT_URL: 'http://127.0.0.1:3999',
      KAIKA_OIDC_ISSUER: 'https://identity.example/realms/kaika',
      KAIKA_OIDC_SCOPE: 'openid kaika',
    };
    service = await createService('portal', await portal.module(env), {
      log: createLogger('silent'),
      clock: systemClock(),
      tokens: { issuer: 'x', jwksFile: 'none' },
    });
    await service.app.listen(0, '127.0.0.1');
    base = `http://127.0.0.1:${(service.app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => service.close());

  it('serves every page as a document without anything inline or from elsewhere, and its files for good', async () => {
    for (const path of [...Object.values(PAGES), '/?lang=en', '/console', '/console/queue/1']) {
      const response = await fetch(base + path);
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
      expect(response.headers.get('cache-control')).toBe('no-cache');
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'");
      const other = path.startsWith('/console')
        ? 'https://identity.example http://127.0.0.1:3999'
        : 'http://127.0.0.1:3999';
      expect(policy).toContain(`connect-src 'self' ${other};`);
      const html = await response.text();
      expect(html).not.toMatch(/<script>|<style|style="|onclick|(?:src|href)="(?:http|\/\/)/);
    }
    const html = await (await fetch(base)).text();
    const files = [...html.matchAll(/(?:src|href)="(\/(?:assets\/|favicon)[^"]+)"/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const response = await fetch(base + file);
      expect(response.status).toBe(200);
      if (file.includes('/assets/')) expect(response.headers.get('cache-control')).toContain('immutable');
    }
    for (const wrong of [
      '/nowhere',
      '/assets/nothing.js',
      '/assets/..%2findex.html',
      '/?lang=fr',
      '/.vite/manifest.json',
    ]) {
      expect((await fetch(base + wrong)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('sends what a browser can unpack', async () => {
    const bytes = async (encoding: string) => {
      const response = await fetch(base, { headers: { 'accept-encoding': encoding } });
      return [response.headers.get('content-encoding'), await response.text()];
    };
    const [plain, text] = await bytes('identity');
    expect(plain).toBeNull();
    expect(await bytes('gzip')).toEqual(['gzip', text]);
    expect(await bytes('gzip, deflate, br')).toEqual(['br', text]);
    expect(await bytes('br;q=0, gzip')).toEqual(['gzip', text]);
  });

  it('gives the hotlines in the order of their numbers and names a wrong setting', async () => {
    const { hotlines, agentUrl } = (await (await fetch(`${base}/api/v1/site`)).json()) as Site;
    expect(agentUrl).toBe('http://127.0.0.1:3999');
    expect(hotlines.map((line) => line.number)).toEqual(['000-0001', '+000-0002', '000-0010']);
    expect(() => readPortalConfig({ KAIKA_HOTLINE_1: 'nonsense' })).toThrow(
      'KAIKA_HOTLINE_1: must be <where>=<number>',
    );
    for (const wrong of ['http://192.0.2.1:3010', 'http://127.0.0.1:3010/x', 'https://127.0.0.1.evil.example:1']) {
      expect(() => readPortalConfig({ KAIKA_AGENT_URL: wrong })).toThrow(
        'KAIKA_AGENT_URL: must be an origin on loopback',
      );
    }
  });

  it('tells the console where to sign in, and names a wrong setting', async () => {
    const { login } = (await (await fetch(`${base}/api/v1/site`)).json()) as Site;
    const issuer = 'https://identity.example/realms/kaika';
    expect(login).toEqual({ issuer, clientId: 'kaika-console', scope: 'openid kaika' });
    expect(readPortalConfig({}).login).toBeNull();
    for (const wrong of ['http://identity.example', 'https://a.example/?x', "https://a.example;script-src 'self'"]) {
      expect(() => readPortalConfig({ KAIKA_OIDC_ISSUER: wrong })).toThrow(
        'KAIKA_OIDC_ISSUER: must be an https address',
      );
    }
    expect(() => readPortalConfig({ KAIKA_OIDC_SCOPE: 'email' })).toThrow('KAIKA_OIDC_SCOPE: must begin with openid');
  });

  it('serves the API of all services as one document, with a page to read it that needs nothing from elsewhere', async () => {
    const document = await fetch(`${base}/api/openapi.json`);
    expect(document.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await document.text()).toBe(readFileSync('docs/openapi.json', 'utf8'));
    for (const path of ['/api/docs', '/api/docs/']) {
      const page = await fetch(base + path);
      expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
      const html = await page.text();
      expect(html).not.toMatch(/<script>|src="http/);
      const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file!);
      expect(files).toHaveLength(3);
      for (const file of files) expect((await fetch(base + file)).status).toBe(200);
      expect(Object.keys(service.document.paths)).toContain(path);
    }
    for (const wrong of ['package.json', '..%2fpackage.json', '..%2f..%2fzod%2fpackage.json', '%00']) {
      expect((await fetch(`${base}/api/docs/${wrong}`)).status).toBeGreaterThanOrEqual(400);
    }
  });
});
