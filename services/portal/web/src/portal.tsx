import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Route, Routes, useLocation } from 'react-router';
import { PAGES, type PageName } from '../../src/page-paths.js';
import { Crash } from './ui/crash.js';
import { Page } from './ui/page.js';
import { useNewPage } from './ui/use-new-page.js';
import { SCREENS } from './routes.js';
import { Footer } from './shell/footer.js';
import { Header } from './shell/header.js';
import { Sidebar } from './shell/sidebar.js';

/** Every page of the subscribers, in one frame. */
export function Portal() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  useNewPage(pathname);
  return (
    <>
      <a className="skip" href="#content">
        {t('skip')}
      </a>
      <Header />
      <div className="frame">
        <Sidebar />
        <main id="content" tabIndex={-1}>
          <Crash key={pathname}>
            <Suspense fallback={<p className="loading">{t('loading')}</p>}>
              <Routes>
                {(Object.keys(PAGES) as PageName[]).map((name) => {
                  const Screen = SCREENS[name];
                  return <Route key={name} path={PAGES[name]} element={<Screen />} />;
                })}
                <Route path="*" element={<Page title={t('notHere')} lead={t('notHereLead')} />} />
              </Routes>
            </Suspense>
          </Crash>
        </main>
      </div>
      <Footer />
    </>
  );
}
