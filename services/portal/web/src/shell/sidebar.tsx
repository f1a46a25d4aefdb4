import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';
import { PAGES, type PageName } from '../../../src/page-paths.js';
import { groupOf, GROUPS, pageAt } from './sections.js';

/** The pages of the section one is in, as the manual's menu at the left. */
export function Sidebar() {
  const { t } = useTranslation();
  const here = pageAt(useLocation().pathname);
  const group = here && groupOf(here);
  if (!group) return null;
  const pages: readonly PageName[] = GROUPS[group];
  return (
    <nav className="sidebar" aria-label={t(`groups.${group}`)}>
      <p>{t(`groups.${group}`)}</p>
      <ul>
        {pages.map((name) => (
          <li key={name}>
            <NavLink to={PAGES[name]} end>
              {t(`pages.${name}`)}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
