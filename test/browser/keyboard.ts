import type { Page } from 'playwright-core';

const MOST_STOPS = 60;

/** Tab, again and again, until what has the focus is called that; a person without a mouse. @throws Error when it never is */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    const focused = (await page.evaluate(
      '(document.activeElement.labels?.[0] ?? document.activeElement).innerText.trim()',
    )) as string;
    if (focused === name) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not come to ${name}`);
}

export async function pressByKeyboard(page: Page, name: string): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

export async function typeByKeyboard(page: Page, name: string, text: string): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.type(text);
}
