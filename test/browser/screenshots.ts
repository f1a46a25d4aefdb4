import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { systemClock } from '#libs/clock';
import { PAGES } from '../../services/portal/src/page-paths.js';
import { EMBEDDED, Instance } from '../demo/instance.js';
import { at, storyDays } from '../demo/world.js';
import { AtTheCounter } from './activation.js';
import { type Language, TestBrowser } from './browser.js';
import { CardsInTheLetter } from './issued-cards.js';
import { Officer } from './officer.js';

/** `npm run screenshots`: every page and the steps of an activation, as people see them, into `screenshots/`. */
const out = resolve(process.argv[2] ?? 'screenshots');
const LOOKS = [
  { language: 'zh-TW', width: 1440, dark: false },
  { language: 'zh-TW', width: 320, dark: true },
  { language: 'en', width: 1440, dark: true },
] as const;

await mkdir(out, { recursive: true });
const dataDir = await mkdtemp(join(tmpdir(), 'kaika-screenshots-'));
const instance = new Instance(dataDir, at(storyDays(systemClock().now()).first, 7), () => {}, {
  ...EMBEDDED,
  env: { KAIKA_HOTLINE_1: '市話=000-0001', KAIKA_HOTLINE_2: '行動電話及外島=+000-000-0002' },
});
const browser = new TestBrowser(() => instance.address.url);
try {
  await instance.up();
  await browser.open();
  for (const look of LOOKS) {
    const suffix = `${look.language}-${look.width}${look.dark ? '-dark' : ''}`;
    const page = await browser.page(look);
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(path);
      await shoot(page, `${name}-${suffix}`);
    }
    await page.context().close();
  }
  const cards = new CardsInTheLetter(instance);
  await openACard(cards, 'A', 'zh-TW');
  await openACard(cards, 'B', 'en');
  await atTheConsole('wang', 'zh-TW');
  await atTheConsole('chen', 'en');
  console.log(`screenshots are in ${out}`);
} finally {
  await browser.close();
  await instance.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function openACard(cards: CardsInTheLetter, way: 'A' | 'B', language: Language): Promise<void> {
  const card = await cards.issue(way);
  await cards.insert(card);
  const page = await browser.page({ language, width: 1440 });
  const person = new AtTheCounter(page, language, card);
  let step = 0;
  const next = () => shoot(page, `activation-${way}-${(step += 1)}`);
  await person.start();
  await person.identify();
  await next();
  await person.readCard();
  if (way === 'B') await person.setUserCode();
  await next();
  await person.press('accept');
  await person.accepted();
  await next();
  await person.setPin();
  await person.done();
  await next();
  await page.context().close();
}

async function atTheConsole(user: 'wang' | 'chen', language: Language): Promise<void> {
  const officer = await Officer.signIn(browser, user, { language, width: 1440 });
  for (const section of ['approvals', 'cards', 'list', 'returns', 'deadLetters'] as const) {
    await officer.open(section);
    await shoot(officer.page, `console-${section}-${language}`);
  }
  await officer.openCard('MT00000000000081');
  await shoot(officer.page, `console-card-${language}`);
  await officer.close();
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.locator('main h1').waitFor();
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
}
