import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { systemClock } from '#libs/clock';
import { createLogger, createService, type RunningService } from '#libs/host';
import { portal } from './index.js';
import { readPortalConfig } from './portal.config.js';

describe('the portal', () => {
  let service: RunningService;
  let base: string;

  beforeAll(async () => {
    const env = {
      KAIKA_HOTLINE_2: 'abroad=+000-0002',
      KAIKA_HOTLINE_1: '<local>=000-0001',
      KAIKA_HOTLINE_10: 'night=000-0010',
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

  it('serves a page in both languages that needs nothing from elsewhere and no inline script', async () => {
    for (const [path, lang] of [
      ['/', 'zh-TW'],
      ['/?lang=en', 'en'],
    ] as const) {
      const response = await fetch(base + path);
      const html = await response.text();
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(html).toContain(`<html lang="${lang}">`);
      expect(html).not.toMatch(/<script>|<style>|style="|onclick|src="http/);
      expect(html).toContain('&#60;local&#62;');
      for (const [, asset] of html.matchAll(/(?:src|href)="(\/(?:assets\/|favicon)[^"]+)"/g)) {
        expect((await fetch(base + asset)).status).toBe(200);
      }
    }
    expect((await fetch(`${base}/?lang=fr`)).status).toBe(400);
  });

  it('gives the hotlines in the order of their numbers and names a wrong setting', async () => {
    const { hotlines } = (await (await fetch(`${base}/api/v1/site`)).json()) as { hotlines: { number: string }[] };
    expect(hotlines.map((line) => line.number)).toEqual(['000-0001', '+000-0002', '000-0010']);
    expect(() => readPortalConfig({ KAIKA_HOTLINE_1: 'nonsense' })).toThrow(
      'KAIKA_HOTLINE_1: must be <where>=<number>',
    );
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
