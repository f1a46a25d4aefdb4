import type { Request } from 'express';

/** The manuals' own wording, and English. */
export type Text = readonly [chinese: string, english: string];
export type Language = 'zh' | 'en';

export const say = ([chinese, english]: Text, language: Language): string => (language === 'zh' ? chinese : english);

/** `?lang=` of the switch on the page; before anybody has touched it, what the browser prefers, and Chinese otherwise. */
export function languageOf(request: Pick<Request, 'query' | 'headers'>): Language {
  const { lang } = request.query;
  if (lang === 'en' || lang === 'zh') return lang;
  return /^en\b/i.test(request.headers['accept-language'] ?? '') ? 'en' : 'zh';
}
