import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import { Page } from '../ui/page.js';

const WORTHS = ['identity', 'integrity', 'nonRepudiation', 'confidentiality'] as const;

export function About() {
  const { t } = useTranslation(['help', 'home']);
  return (
    <Page title={t('common:pages.about')} lead={t('about.lead')}>
      <h2>{t('about.worths')}</h2>
      <ul>
        {WORTHS.map((name) => (
          <li key={name}>{t(`home:worths.${name}`)}</li>
        ))}
      </ul>
      <h2>{t('about.card')}</h2>
      <p>{t('about.cardText')}</p>
      <h2>{t('about.life')}</h2>
      <dl className="facts">
        {(['pending', 'valid', 'suspended', 'revoked', 'expired'] as const).map((status) => (
          <div key={status}>
            <dt>{t(`common:statuses.${status}`)}</dt>
            <dd>{t(`about.statuses.${status}`)}</dd>
          </div>
        ))}
      </dl>
      <h2>{t('about.system')}</h2>
      <p>{t('about.systemText')}</p>
      <p>
        <Link to={PAGES.apply}>{t('common:pages.apply')}</Link> ·{' '}
        <Link to={PAGES.activate}>{t('common:pages.activate')}</Link>
      </p>
    </Page>
  );
}
