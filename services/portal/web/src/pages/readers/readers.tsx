import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Page } from '../../ui/page.js';

const SYSTEMS = ['windows', 'macos', 'linux'] as const;
const BROWSERS = ['chrome', 'edge', 'firefox', 'safari', 'phones'] as const;

export function Readers() {
  const { t } = useTranslation('help');
  return (
    <Page title={t('common:pages.readers')} lead={t('readers.lead')}>
      <h2>{t('readers.which')}</h2>
      <ul>
        {(['pcsc', 'contact', 'driver', 'usb'] as const).map((name) => (
          <li key={name}>{t(`readers.advice.${name}`)}</li>
        ))}
      </ul>
      <h2>{t('readers.systems')}</h2>
      <dl className="facts">
        {SYSTEMS.map((name) => (
          <div key={name}>
            <dt>{t(`readers.system.${name}`)}</dt>
            <dd>{t(`readers.systemText.${name}`)}</dd>
          </div>
        ))}
      </dl>
      <h2>{t('readers.browsers')}</h2>
      <dl className="facts">
        {BROWSERS.map((name) => (
          <div key={name}>
            <dt>{t(`readers.browser.${name}`)}</dt>
            <dd>{t(`readers.browserText.${name}`)}</dd>
          </div>
        ))}
      </dl>
      <p className="actions">
        <Link className="button" to={PAGES.selfCheck}>
          {t('common:pages.selfCheck')}
        </Link>
        <Link className="button second" to={PAGES.downloads}>
          {t('common:pages.downloads')}
        </Link>
      </p>
    </Page>
  );
}
