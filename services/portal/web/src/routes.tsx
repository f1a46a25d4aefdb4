import type { ComponentType } from 'react';
import type { PageName } from '../../src/page-paths.js';
import { Home } from './pages/home.js';

/** What shows each page; every one but the first is fetched when it is opened. */
export const SCREENS: Partial<Record<PageName, ComponentType>> = {
  home: Home,
};
