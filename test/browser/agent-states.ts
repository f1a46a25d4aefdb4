import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import helpZh from '../../services/portal/web/src/i18n/texts/help.zh-TW.js';
import { violations, windowFrom } from './browser.js';
import { Counter } from './counter.js';
import { WORDS } from './words.js';

const MINUTE = 60_000;
const { agent, common, errors } = WORDS['zh-TW'];
type State = keyof typeof agent.todo;
const LOOKS_EVERY_MS = 2_500;
const FILE = 'kaika-card-agent-0.1.0-linux-x64.tar.gz';

/** Whatever can be wrong between a page and a card, at a counter where it really is so. */
export function agentStates(): void {
  const counter = new Counter();
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    await counter.open();
    writeFileSync(join(counter.downloads, FILE), 'the agent, as a file');
    // To this browser the portal is a public site, as at a kiosk: its way to loopback needs the person's leave, which
    // nobody gives a browser without a head.
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', `--ip-address-space-overrides=${new URL(counter.url).host}=public`],
    });
    const context = await browser.newContext({ baseURL: counter.url, locale: 'zh-TW' });
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
  }, MINUTE);
  afterAll(async () => {
    await browser?.close();
    await counter.stop();
  }, MINUTE);

  const shows = async (state: State) => {
    await page.clock.fastForward(LOOKS_EVERY_MS);
    await page.getByText(agent.todo[state]).waitFor();
    expect(await page.getByText(agent.states[state], { exact: true }).isVisible()).toBe(true);
  };
  it(
    'offers the agent as a file; says when the browser or the agent refuses, is not there, is old, wants to be paired',
    async () => {
      await page.clock.install();
      await page.goto('/downloads');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: FILE }).click(),
      ]);
      const sha256 = createHash('sha256')
        .update(readFileSync(await download.path()))
        .digest('hex');
      await page.getByText(sha256).waitFor();
      await shows('permission-denied');

      await page.context().grantPermissions(['local-network-access'], { origin: counter.url });
      await shows('origin-refused');
      await counter.stopAgent();
      await shows('agent-missing');
      await counter.startAgent([counter.url], true);
      const older = /\/v1\/status\?/;
      await page.route(older, (route) =>
        route.continue({
          url: route
            .request()
            .url()
            .replace(/minimumVersion=[\d.]+/, 'minimumVersion=99.0.0'),
        }),
      );
      await shows('agent-outdated');
      await page.unroute(older);

      await shows('pairing-needed');
      const codePage = await windowFrom(page.context(), () => page.getByRole('button', { name: agent.pair }).click());
      const code = (await codePage.locator('.code').innerText()).trim();
      const field = page.getByLabel(agent.pairingCode);
      await field.fill(code === '000000' ? '111111' : '000000');
      await page.getByRole('button', { name: agent.pairingConfirm }).click();
      await page.getByRole('alert').getByText(errors.codes.pairingRefused).waitFor();
      expect(await violations(page)).toEqual([]);
      await field.fill(code);
      await page.getByRole('button', { name: agent.pairingConfirm }).click();
      await page.getByText(agent.todo['no-reader']).waitFor();
      await codePage.close();
    },
    MINUTE,
  );

  it(
    'says what to do in every state of reader and card',
    async () => {
      const { ready, ...others } = await counter.machines();
      for (const [state, machine] of Object.entries(others)) {
        counter.set(machine);
        await shows(state as State);
      }
      counter.set(ready);
      await page.clock.fastForward(LOOKS_EVERY_MS);
      await page.getByText(agent.states.ready, { exact: true }).waitFor();
      await page.getByText(helpZh.downloads.version.replace('{{version}}', '0.1.0')).waitFor();
      await page.getByRole('link', { name: common.pages.selfCheck, exact: true }).first().click();
      await counter.stopAgent();
      await page.getByRole('button', { name: helpZh.check.start }).click();
      await page.getByText(helpZh.check.cannotActivate).waitFor();
      expect(await page.locator('.checks li').first().getAttribute('class')).toBe('fail');
    },
    MINUTE,
  );
}
