import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, useLocation } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import { switchLanguage } from '../i18n/index.js';
import { setTheme, theme, THEMES } from '../ui/theme.js';
import { BUTTONS, groupOf, pageAt, SECTIONS, TOP_LINKS } from './sections.js';

export function Header() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const [openAt, setOpenAt] = useState<string>(); // closed again on the page it led to
  const open = openAt === pathname;
  const here = pageAt(pathname);
  const group = here && groupOf(here);
  return (
    <header className="site-header">
      <p className="disclaimer">{t('disclaimer')}</p>
      <div className="brand-row">
        <Link className="brand" to={PAGES.home}>
          <Mark />
          <span>
            <strong>{t('brand')}</strong>
            <small>{t('brandLine')}</small>
          </span>
        </Link>
        <div className="tools">
          <LanguageSwitch />
          <ThemeSwitch />
          <button
            type="button"
            className="menu-button"
            aria-expanded={open}
            aria-controls="menus"
            onClick={() => setOpenAt(open ? undefined : pathname)}
          >
            {t('menu')}
          </button>
        </div>
      </div>
      <div id="menus" className={open ? 'menus open' : 'menus'}>
        <nav className="top-links" aria-label={t('topLinks')}>
          {TOP_LINKS.map((name) => (
            <NavLink key={name} to={PAGES[name]} end>
              {t(`pages.${name}`)}
            </NavLink>
          ))}
        </nav>
        <nav className="sections" aria-label={t('sections')}>
          {SECTIONS.map((name) => (
            <Link
              key={name}
              to={PAGES[name]}
              className={group === name ? 'here' : undefined}
              aria-current={here === name ? 'page' : undefined}
            >
              <span>{t(name === 'cards' ? 'sectionNames.cards' : `pages.${name}`)}</span>
              <small lang="en">{t(`subtitles.${name}`)}</small>
            </Link>
          ))}
        </nav>
        <nav className="buttons" aria-label={t('quickLinks')}>
          {BUTTONS.map((name) => (
            <NavLink key={name} to={PAGES[name]}>
              {t(`pages.${name}`)}
            </NavLink>
          ))}
        </nav>
      </div>
    </header>
  );
}

export function LanguageSwitch() {
  const { i18n } = useTranslation();
  const isEnglish = i18n.language === 'en';
  return (
    <button
      type="button"
      className="quiet"
      lang={isEnglish ? 'zh-Hant-TW' : 'en'}
      onClick={() => switchLanguage(isEnglish ? 'zh-TW' : 'en')}
    >
      {isEnglish ? '中文' : 'English'}
    </button>
  );
}

export function ThemeSwitch() {
  const { t } = useTranslation();
  const [chosen, choose] = useState(theme);
  const next = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length]!;
  return (
    <button
      type="button"
      className="quiet"
      aria-label={t('themeLabel', { chosen: t(`themes.${chosen}`), next: t(`themes.${next}`) })}
      onClick={() => {
        setTheme(next);
        choose(next);
      }}
    >
      {t(`themes.${chosen}`)}
    </button>
  );
}

/** A card with its chip, opened. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 48 48" width="44" height="44" aria-hidden="true">
      <rect className="mark-card" x="3" y="9" width="42" height="30" rx="5" />
      <rect className="mark-chip" x="9" y="17" width="12" height="10" rx="2" />
      <path className="mark-line" d="M9 33h18M31 33h8" />
      <path className="mark-arc" d="M28 24a7 7 0 1 1 5 6.7" />
    </svg>
  );
}
