import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE_MS = 15_000;

export type Language = 'zh-TW' | 'en';

export interface PageOptions {
  language?: Language;
  width?: number;
  dark?: boolean;
}

/** Debian's Chromium, driven from here. */
export class TestBrowser {
  #browser: Browser | undefined;
  /** What a page complained of in its console: breaches of the policy, scripts that failed. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly seen: string[] = [];

  constructor(private readonly url: () => string) {}

  async open(): Promise<void> {
    this.#browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }

  /** An empty window of somebody's own. */
  async page({ language = 'zh-TW', width = 1280, dark = false }: PageOptions = {}): Promise<Page> {
    const context = await this.#browser!.newContext({
      baseURL: this.url(),
      viewport: { width, height: 900 },
      locale: language,
      colorScheme: dark ? 'dark' : 'light',
    });
    context.setDefaultTimeout(PATIENCE_MS);
    context.on('request', (request) => this.seen.push(request.url()));
    context.on('weberror', (error) => this.complaints.push(error.error().message));
    context.on('console', (message) => {
      if (/Content Security Policy|Refused to|is not a valid|Warning:/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
    // As chosen before, before anything is loaded; an empty window has no storage.
    await context.addInitScript(`try { localStorage['kaika.language'] ??= '${language}' } catch {}`);
    return context.newPage();
  }
}

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What colours and widths may break, of a page that was looked at whole before. */
export const LOOKS = ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block'];

/** Rules of WCAG 2.2 AA that the page breaks, with where: none. */
export async function violations(page: Page, runOnly: readonly string[] = WCAG): Promise<string[]> {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(AXE);
  return (await page.evaluate(`axe.run(document, { resultTypes: ['violations'], runOnly: ${JSON.stringify(runOnly)} })
    .then(({ violations }) => violations.map(({ id, nodes }) =>
      id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(' | ')))`)) as string[];
}

/** Whether anything is wider than the window (WCAG 1.4.10). */
export const overflows = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth') as Promise<boolean>;

/** The window that a click opens. */
export async function windowFrom(context: BrowserContext, click: () => Promise<void>): Promise<Page> {
  const [opened] = await Promise.all([context.waitForEvent('page'), click()]);
  return opened;
}
