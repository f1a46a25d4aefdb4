import { expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sleep } from '#libs/clock';
import { PAGES } from '../../services/portal/src/page-paths.js';
import { LOOKS, overflows, type TestBrowser, violations } from './browser.js';

const PATIENCE_MS = 15_000;

/** As a link would: without loading everything anew. */
async function goTo(page: Page, path: string): Promise<void> {
  const before = await page.title();
  const isThere = new URL(page.url()).pathname === path;
  await page.evaluate(`history.pushState({}, '', '${path}'); dispatchEvent(new PopStateEvent('popstate'))`);
  // The page before stays until the next one is fetched. Each has a title of its own.
  for (const until = performance.now() + PATIENCE_MS; !isThere && (await page.title()) === before; await sleep(10)) {
    if (performance.now() > until) throw new Error(`${path} is not shown`);
  }
  await page.locator('main h1').waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
}

/** A key in place of its text: `cards.lead`, `help:qa.lead`. */
const KEY =
  /\b(?:activate|agent|apply|cards|codes|common|errors|fields|help|home|pages|states|status|steps|tiles)[.:][a-zA-Z]\w*/;

export function pageSweep(browser: TestBrowser): void {
  it.each([
    { language: 'zh-TW', width: 1440, dark: false },
    { language: 'en', width: 320, dark: true },
  ] as const)(
    'shows every page without a violation of WCAG 2.2 AA, in $language at $width px, dark: $dark',
    async (options) => {
      const page = await browser.page(options);
      await page.goto('/');
      const wrong: unknown[] = [];
      const titles = new Set<string>();
      for (const path of Object.values(PAGES)) {
        await goTo(page, path);
        const found = await violations(page, options.dark ? LOOKS : undefined);
        const raw = KEY.exec(await page.locator('main').innerText());
        const isWide = await overflows(page);
        if (found.length > 0 || isWide || raw) wrong.push({ path, found, isWide, raw: raw?.[0] });
        titles.add(await page.title());
      }
      expect(wrong).toEqual([]);
      expect(titles.size).toBe(Object.keys(PAGES).length);
      await page.context().close();
    },
    180_000,
  );

  it('needs little for the first load, and can be used within a second', async () => {
    const page = await browser.page();
    const sizes = new Map<string, number>();
    page.on('response', (response) => {
      if (!response.url().endsWith('.js')) return;
      sizes.set(response.url(), Number(response.headers()['content-length'] ?? 0));
    });
    await page.goto('/');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const ready = (await page.evaluate(
      "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd",
    )) as number;
    process.stdout.write(
      `first load: ${Math.round(bytes / 1000)} kB of compressed JavaScript, ${Math.round(ready)} ms\n`,
    );
    expect(sizes.size).toBeGreaterThan(2);
    expect(bytes).toBeGreaterThan(30_000);
    expect(bytes).toBeLessThan(150_000);
    await page.context().close();
  });
}
