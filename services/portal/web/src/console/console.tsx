import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { BrowserRouter, Navigate, NavLink, Route, Routes, useLocation } from 'react-router';
import { LanguageSwitch, Mark, ThemeSwitch } from '../shell/header.js';
import { Crash } from '../ui/crash.js';
import { Page } from '../ui/page.js';
import { useNewPage } from '../ui/use-new-page.js';
import { logOut } from './login/session.js';
import { SignInAgain } from './login/sign-in-again.js';
import { useCaller, useSession } from './login/use-session.js';
import { Welcome } from './login/welcome.js';
import { Allowed } from './parts/allowed.js';
import { letsIn } from '../../../src/console-doors.js';
import { SECTION_NAMES, SECTIONS, type SectionName } from './sections.js';

const SCREENS = {
  applications: lazy(() => import('./applications/applications.js')),
  approvals: lazy(() => import('./approvals/approvals.js')),
  cards: lazy(() => import('./cards/cards.js')),
  list: lazy(() => import('./list/tonight.js')),
  returns: lazy(() => import('./returns/returns.js')),
  deadLetters: lazy(() => import('./dead-letters/dead-letters.js')),
} satisfies Record<SectionName, unknown>;

/** The officers' pages: nothing of them before somebody has signed in. */
export function Console() {
  const session = useSession();
  const { t } = useTranslation('console');
  if (session.state === 'open') {
    return (
      <BrowserRouter basename="/console">
        <Frame />
        {session.again && <SignInAgain again={session.again} />}
      </BrowserRouter>
    );
  }
  return (
    <>
      <Head />
      <div className="frame">
        <main id="content" tabIndex={-1}>
          {session.state === 'beginning' ? (
            <p className="loading" role="status">
              {t('login.beginning')}
            </p>
          ) : (
            <Welcome why={session.why} />
          )}
        </main>
      </div>
    </>
  );
}

function Head() {
  const { t } = useTranslation('console');
  const session = useSession();
  return (
    <header className="site-header">
      <p className="disclaimer">{t('common:disclaimer')}</p>
      <div className="brand-row">
        <a className="brand" href="/console">
          <Mark />
          <span>
            <strong>{t('title')}</strong>
            <small>{t('common:brand')}</small>
          </span>
        </a>
        <div className="tools">
          {session.state === 'open' && <Who />}
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </div>
    </header>
  );
}

function Who() {
  const { t } = useTranslation('console');
  const { subject, roles } = useCaller();
  return (
    <p className="who">
      <span>
        <strong>{subject}</strong> {roles.map((role) => t(`roles.${role}`)).join('、')}
      </span>
      <button type="button" className="quiet" onClick={() => void logOut()}>
        {t('login.logOut')}
      </button>
    </p>
  );
}

function Frame() {
  const { t } = useTranslation('console');
  const { roles } = useCaller();
  const { pathname, key } = useLocation();
  useNewPage(pathname);
  const mine = SECTION_NAMES.filter((name) => letsIn(SECTIONS[name].door, roles));
  return (
    <>
      <a className="skip" href="#content">
        {t('common:skip')}
      </a>
      <Head />
      <div className="frame">
        <nav className="sidebar" aria-label={t('sections')}>
          <ul>
            {SECTION_NAMES.map((name) => (
              <li key={name}>
                <NavLink to={SECTIONS[name].path} className={mine.includes(name) ? undefined : 'not-mine'}>
                  {t(`${name}.title`)}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
        <main id="content" tabIndex={-1}>
          {/* the link of the page one is at reads it anew */}
          <Crash key={key}>
            <Suspense fallback={<p className="loading">{t('common:loading')}</p>}>
              <Routes>
                <Route index element={<Navigate to={SECTIONS[mine[0] ?? 'applications'].path} replace />} />
                {SECTION_NAMES.map((name) => {
                  const Screen = SCREENS[name];
                  const screen = (
                    <Allowed door={SECTIONS[name].door} title={t(`${name}.title`)}>
                      <Screen />
                    </Allowed>
                  );
                  return <Route key={name} path={`${SECTIONS[name].path}/*`} element={screen} />;
                })}
                <Route path="*" element={<Page title={t('common:notHere')} lead={t('common:notHereLead')} />} />
              </Routes>
            </Suspense>
          </Crash>
        </main>
      </div>
    </>
  );
}
