import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

export const LANGUAGES = ['zh-TW', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT_AS = 'kaika.language';
const TEXTS = import.meta.glob<{ default: object }>('./texts/*.ts');

/** Of the address (`?lang=en`), else the one chosen here before, else Chinese. A language is no secret: it may be stored. */
function firstLanguage(): Language {
  const asked = new URLSearchParams(location.search).get('lang') ?? kept();
  return LANGUAGES.find((language) => language === asked) ?? 'zh-TW';
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null; // storage is switched off
  }
}

/** Texts by area: one file an area and language, fetched when a page of the area is opened. */
export async function startTexts(areas: readonly string[]): Promise<void> {
  await i18next
    .use({
      type: 'backend',
      init: () => {},
      read: async (language: string, area: string) => (await TEXTS[`./texts/${area}.${language}.ts`]!()).default,
    })
    .use(initReactI18next)
    .init({
      lng: firstLanguage(),
      fallbackLng: false,
      ns: [...areas],
      defaultNS: 'common',
      supportedLngs: [...LANGUAGES],
      load: 'currentOnly',
      interpolation: { escapeValue: false }, // React escapes
      react: { useSuspense: true },
    });
  i18next.on('languageChanged', mark);
  mark();
}

function mark(): void {
  document.documentElement.lang = i18next.language === 'en' ? 'en' : 'zh-Hant-TW';
}

export function switchLanguage(language: Language): void {
  try {
    localStorage.setItem(KEPT_AS, language);
  } catch {
    // not kept, then
  }
  void i18next.changeLanguage(language);
}
