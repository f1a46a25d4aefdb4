import { lazy, type ComponentType } from 'react';
import type { PageName } from '../../src/page-paths.js';
import { Home } from './pages/home.js';

const page = (load: () => Promise<Record<string, ComponentType>>, name: string) =>
  lazy(async () => ({ default: (await load())[name]! }));

/** What shows each page; every one but the first is fetched when it is opened. */
export const SCREENS: Record<PageName, ComponentType> = {
  home: Home,
  about: page(() => import('./pages/about.js'), 'About'),
  apply: page(() => import('./pages/apply/apply.js'), 'Apply'),
  applyForm: page(() => import('./pages/apply/apply-form.js'), 'ApplyForm'),
  applyOther: page(() => import('./pages/apply/apply.js'), 'ApplyOther'),
  applyProgress: page(() => import('./pages/apply/apply-progress.js'), 'ApplyProgress'),
  applyPrint: page(() => import('./pages/apply/apply-print.js'), 'ApplyPrint'),
  applyCorrect: page(() => import('./pages/apply/apply-correct.js'), 'ApplyCorrect'),
  activate: page(() => import('./pages/activate/activate.js'), 'Activate'),
  activateSelf: page(() => import('./pages/activate/activation.js'), 'ActivateSelf'),
  activateCombined: page(() => import('./pages/activate/activation.js'), 'ActivateCombined'),
  cards: page(() => import('./pages/cards/cards.js'), 'Cards'),
  suspendResume: page(() => import('./pages/cards/suspend-resume.js'), 'SuspendResume'),
  receipt: page(() => import('./pages/cards/receipt-search.js'), 'ReceiptSearch'),
  lost: page(() => import('./pages/cards/lost.js'), 'Lost'),
  sentIn: page(() => import('./pages/cards/sent-in.js'), 'SentIn'),
  sentInProgress: page(() => import('./pages/cards/sent-in-progress.js'), 'SentInProgress'),
  qa: page(() => import('./pages/help/qa.js'), 'Questions'),
  statusHelp: page(() => import('./pages/help/status-help.js'), 'StatusHelp'),
  listsHelp: page(() => import('./pages/help/lists-help.js'), 'ListsHelp'),
  readers: page(() => import('./pages/readers/readers.js'), 'Readers'),
  selfCheck: page(() => import('./pages/readers/self-check.js'), 'SelfCheck'),
  sitemap: page(() => import('./pages/sitemap.js'), 'Sitemap'),
  apiAccess: page(() => import('./pages/help/api-access.js'), 'ApiAccess'),
  status: page(() => import('./pages/status/status.js'), 'Status'),
  search: page(() => import('./pages/status/search.js'), 'Search'),
  lists: page(() => import('./pages/status/lists.js'), 'Lists'),
  contact: page(() => import('./pages/help/contact.js'), 'Contact'),
  codes: page(() => import('./pages/codes/codes.js'), 'Codes'),
  userCodeChange: page(() => import('./pages/codes/user-code-change.js'), 'UserCodeChange'),
  userCodeForgotten: page(() => import('./pages/codes/user-code-forgotten.js'), 'UserCodeForgotten'),
  pinChange: page(() => import('./pages/codes/pin-change.js'), 'PinChange'),
  pinForgotten: page(() => import('./pages/codes/pin-reset.js'), 'PinForgotten'),
  unlock: page(() => import('./pages/codes/pin-reset.js'), 'Unlock'),
  services: page(() => import('./pages/markdown-pages.js'), 'Services'),
  news: page(() => import('./pages/markdown-pages.js'), 'News'),
  downloads: page(() => import('./pages/help/downloads.js'), 'Downloads'),
};
