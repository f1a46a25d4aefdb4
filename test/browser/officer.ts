import type { Page } from 'playwright-core';
import consoleEn from '../../services/portal/web/src/i18n/texts/console.en.js';
import consoleZh from '../../services/portal/web/src/i18n/texts/console.zh-TW.js';
import type { DemoUser } from '../../services/all-in-one/src/demo-users.js';
import type { Language, PageOptions, TestBrowser } from './browser.js';

export const CONSOLE_WORDS = { 'zh-TW': consoleZh, en: consoleEn } as const satisfies Record<Language, object>;
type Words = typeof consoleZh;
export type Section = 'applications' | 'approvals' | 'cards' | 'list' | 'returns' | 'deadLetters';

/** Somebody at the console, in a browser of their own. */
export class Officer {
  private constructor(
    readonly page: Page,
    readonly words: Words,
  ) {}

  /** From the console's address to its first page, by the provider's. */
  static async signIn(browser: TestBrowser, user: DemoUser, options: PageOptions = {}): Promise<Officer> {
    const page = await browser.page(options);
    const officer = new Officer(page, CONSOLE_WORDS[options.language ?? 'zh-TW']);
    await page.goto('/console');
    await page.getByRole('button', { name: officer.words.login.signIn, exact: true }).click();
    await page.locator(`button[name=user][value="${user}"]`).click();
    await officer.isIn(user);
    return officer;
  }

  async isIn(user: string): Promise<void> {
    await this.page.getByRole('banner').getByText(user, { exact: true }).waitFor();
    await this.page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  }

  async open(section: Section): Promise<void> {
    const { title } = this.words[section];
    await this.page
      .getByRole('navigation', { name: this.words.sections })
      .getByRole('link', { name: title, exact: true })
      .click();
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor();
  }

  async openCard(cardNumber: string): Promise<void> {
    await this.open('cards');
    await this.page.getByLabel(this.words.cards.wanted).fill(cardNumber);
    await this.page.keyboard.press('Enter');
    await this.page.getByRole('list', { name: this.words.cards.history }).waitFor();
  }

  /** A line of a list, or a group of fields that is folded. */
  unfold(text: string): Promise<void> {
    return this.page.locator('summary').filter({ hasText: text }).click();
  }

  form(label: string) {
    return this.page.getByRole('form', { name: label, exact: true });
  }

  /** The button of a form, then the question; pressed twice, as impatient people do. */
  async send(label: string, button = label): Promise<void> {
    await this.form(label).getByRole('button', { name: button, exact: true }).click();
    const yes = this.page.getByRole('dialog').getByRole('button', { name: button, exact: true });
    await yes.evaluate((pressed: { click(): void }) => {
      pressed.click();
      pressed.click();
    });
  }

  /** Approves, as the second person, what another asked for. */
  async decide(about: string): Promise<void> {
    const { approvals } = this.words;
    await this.open('approvals');
    await this.unfold(about);
    await this.send(approvals.approve);
    await this.page.getByText(approvals.told).waitFor();
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
