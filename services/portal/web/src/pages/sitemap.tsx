import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import { type Group, GROUPS } from '../shell/sections.js';
import { Page } from '../ui/page.js';

export function Sitemap() {
  const { t } = useTranslation();
  return (
    <Page title={t('pages.sitemap')}>
      <div className="two">
        {(Object.keys(GROUPS) as Group[]).map((group) => (
          <section key={group} aria-labelledby={`group-${group}`}>
            <h2 id={`group-${group}`}>{t(`groups.${group}`)}</h2>
            <ul>
              {GROUPS[group].map((name) => (
                <li key={name}>
                  <Link to={PAGES[name]}>{t(`pages.${name}`)}</Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Page>
  );
}
