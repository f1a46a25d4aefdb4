import { PAGES, type PageName } from '../../../src/page-paths.js';

/** The six sections at the top, in the manual's order. */
export const SECTIONS = ['about', 'apply', 'activate', 'cards', 'qa', 'readers'] as const satisfies PageName[];
/** The links above them. */
export const TOP_LINKS = ['home', 'sitemap', 'apiAccess', 'search', 'contact'] as const satisfies PageName[];
/** The buttons beside them. */
export const BUTTONS = ['codes', 'services', 'news'] as const satisfies PageName[];

/** What belongs together: each page beside its neighbours, the first of them the section itself. */
export const GROUPS = {
  about: ['about', 'services', 'news'],
  apply: ['apply', 'applyForm', 'applyOther', 'applyPrint', 'applyProgress', 'applyCorrect'],
  activate: ['activate', 'activateSelf', 'activateCombined'],
  cards: ['cards', 'suspendResume', 'lost', 'receipt', 'sentIn', 'sentInProgress'],
  status: ['status', 'search', 'lists'],
  codes: ['codes', 'userCodeChange', 'userCodeForgotten', 'pinChange', 'pinForgotten', 'unlock'],
  qa: ['qa', 'statusHelp', 'listsHelp'],
  readers: ['readers', 'selfCheck', 'downloads'],
  site: ['sitemap', 'apiAccess', 'contact'],
} as const satisfies Record<string, PageName[]>;
export type Group = keyof typeof GROUPS;

const NAMES = Object.keys(PAGES) as PageName[];

export const pageAt = (pathname: string): PageName | undefined =>
  NAMES.find((name) => PAGES[name] === (pathname.replace(/\/+$/, '') || '/'));

export const groupOf = (page: PageName): Group | undefined =>
  (Object.keys(GROUPS) as Group[]).find((group) => (GROUPS[group] as readonly PageName[]).includes(page));
