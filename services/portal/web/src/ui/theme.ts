const KEPT_AS = 'kaika.theme';
export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export function theme(): Theme {
  try {
    return THEMES.find((known) => known === localStorage.getItem(KEPT_AS)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** `auto` follows the machine (prefers-color-scheme). */
export function setTheme(chosen: Theme): void {
  document.documentElement.dataset['theme'] = chosen;
  try {
    localStorage.setItem(KEPT_AS, chosen);
  } catch {
    // not kept, then
  }
}

export const applyTheme = () => void (document.documentElement.dataset['theme'] = theme());
