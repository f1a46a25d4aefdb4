import { useTranslation } from 'react-i18next';
import { Code } from '../../ui/code.js';
import { Page } from '../../ui/page.js';

export function ApiAccess() {
  const { t } = useTranslation('help');
  return (
    <Page title={t('common:pages.apiAccess')} lead={t('api.lead')}>
      <h2>{t('api.open')}</h2>
      <ul>
        {(['search', 'certificate', 'list', 'ocsp'] as const).map((name) => (
          <li key={name}>{t(`api.openOnes.${name}`)}</li>
        ))}
      </ul>
      <Code label={t('api.open')}>{`curl '${location.origin}/api/v1/certificates?ubn=12345675'
curl -O ${location.origin}/crl/complete.crl
openssl ocsp -issuer ca.pem -cert card.pem -url ${location.origin}/ocsp`}</Code>
      <h2>{t('api.offices')}</h2>
      <p>{t('api.officesText')}</p>
      <p className="actions">
        <a className="button" href="/api/docs">
          {t('api.docs')}
        </a>
        <a className="button second" href="/api/openapi.json">
          {t('api.document')}
        </a>
      </p>
    </Page>
  );
}
