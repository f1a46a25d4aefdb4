import type { Door } from '../../../src/console-doors.js';

/** The console's pages below /console, and the door without which a page has nothing to show. */
export const SECTIONS = {
  applications: { path: '/applications', door: 'GET /api/v1/applications' },
  approvals: { path: '/approvals', door: 'GET /api/v1/emergency-lists' },
  cards: { path: '/cards', door: 'GET /api/v1/cards/{n}' },
  list: { path: '/list', door: 'GET /api/v1/crls/held' },
  returns: { path: '/returns', door: 'GET /api/v1/card-returns' },
  deadLetters: { path: '/dead-letters', door: 'GET /api/v1/suspension/dead-letters' },
} as const satisfies Record<string, { path: string; door: Door }>;
export type SectionName = keyof typeof SECTIONS;
export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];
