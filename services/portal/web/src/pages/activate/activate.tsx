import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Page } from '../../ui/page.js';
import { Notice } from '../../ui/notice.js';

/** The two buttons of 啟用憑證, each with whom it is for. */
export function Activate() {
  const { t } = useTranslation('activate');
  return (
    <Page title={t('common:pages.activate')} lead={t('lead')}>
      <p>{t('chooseWay')}</p>
      <div className="ways">
        <section className="card" aria-labelledby="way-a">
          <h2 id="way-a">{t('wayATitle')}</h2>
          <p>{t('wayAFor')}</p>
          <p>
            <Link className="button" to={PAGES.activateSelf}>
              {t('wayA')}
            </Link>
          </p>
        </section>
        <section className="card" aria-labelledby="way-b">
          <h2 id="way-b">{t('wayBTitle')}</h2>
          <p>{t('wayBFor')}</p>
          <p>
            <Link className="button" to={PAGES.activateCombined}>
              {t('wayB')}
            </Link>
          </p>
        </section>
      </div>
      <Notice kind="info" title={t('beforeTitle')}>
        <ul>
          {(['reader', 'check', 'pin', 'use'] as const).map((name) => (
            <li key={name}>{t(`before.${name}`)}</li>
          ))}
        </ul>
        <p>
          <Link to={PAGES.selfCheck}>{t('common:pages.selfCheck')}</Link> ·{' '}
          <Link to={PAGES.qa}>{t('common:pages.qa')}</Link>
        </p>
      </Notice>
    </Page>
  );
}
