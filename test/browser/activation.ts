import type { Page } from 'playwright-core';
import { type Language, windowFrom } from './browser.js';
import type { IssuedCard } from './issued-cards.js';
import { WORDS } from './words.js';

const PIN = '24681357';
export const NEW_CODE = 'Portal#99';

/** A person at the page: from 啟用憑證 to the last screen, one function a step. */
export class AtTheCounter {
  readonly #words;

  constructor(
    readonly page: Page,
    language: Language,
    readonly card: IssuedCard,
  ) {
    this.#words = WORDS[language];
  }

  async start(): Promise<void> {
    const { common, activate } = this.#words;
    await this.page.goto('/');
    await this.page.getByRole('navigation', { name: common.sections }).getByRole('link', { name: common.pages.activate }).click(); // prettier-ignore
    await this.page.getByRole('link', { name: this.card.way === 'A' ? activate.wayA : activate.wayB, exact: true }).click(); // prettier-ignore
  }

  async identify(): Promise<void> {
    const { activate } = this.#words;
    if (this.card.way === 'A') return this.page.getByLabel(activate.userCode).fill(this.card.userCode);
    const { nationalId, year, month, day } = this.card.representative;
    await this.page.getByLabel(activate.nationalId).fill(nationalId);
    await this.page.getByLabel(activate.birthYear, { exact: true }).fill(year);
    await this.page.getByLabel(activate.birthMonth, { exact: true }).fill(month);
    await this.page.getByLabel(activate.birthDay, { exact: true }).fill(day);
  }

  async readCard(): Promise<void> {
    await this.press('read');
    await this.page.getByText(this.card.cardNumber).waitFor();
  }

  async setUserCode(): Promise<void> {
    const { activate } = this.#words;
    await this.page.getByLabel(activate.email).fill(this.card.email);
    await this.page.getByLabel(activate.newUserCode, { exact: true }).fill(NEW_CODE);
    await this.page.getByLabel(activate.newUserCodeAgain, { exact: true }).fill(NEW_CODE);
  }

  press(button: 'read' | 'accept' | 'setPin' | 'startOver' | 'wrongData' | 'sendWrong'): Promise<void> {
    return this.page.getByRole('button', { name: this.#words.activate[button], exact: true }).click();
  }

  async accepted(): Promise<void> {
    await this.page.getByText(this.#words.activate.accepted).waitFor();
  }

  /** In the agent's own window. */
  async setPin(): Promise<void> {
    const pinWindow = await windowFrom(this.page.context(), () => this.press('setPin'));
    await this.typePin(pinWindow);
  }

  async typePin(pinWindow: Page): Promise<void> {
    await pinWindow.locator('#newPin').fill(PIN);
    await pinWindow.locator('#confirmPin').fill(PIN);
    await pinWindow.locator('button[type=submit]').click();
  }

  async done(): Promise<void> {
    await this.page.getByText(this.#words.activate.done).waitFor();
  }
}
