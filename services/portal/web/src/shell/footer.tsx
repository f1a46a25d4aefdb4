import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import { Hotlines } from '../ui/hotlines.js';

export function Footer() {
  const { t } = useTranslation();
  return (
    <footer className="site-footer">
      <div>
        <section aria-labelledby="footer-hotlines">
          <h2 id="footer-hotlines">{t('hotlines')}</h2>
          <Hotlines />
        </section>
        <section aria-labelledby="footer-links">
          <h2 id="footer-links">{t('links')}</h2>
          <ul>
            {(['downloads', 'lists', 'search', 'apiAccess', 'sitemap'] as const).map((name) => (
              <li key={name}>
                <Link to={PAGES[name]}>{t(`pages.${name}`)}</Link>
              </li>
            ))}
          </ul>
        </section>
        <p className="small">{t('disclaimer')}</p>
      </div>
    </footer>
  );
}
