import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Page } from '../../ui/page.js';

export function Contact() {
  const { t } = useTranslation('help');
  return (
    <Page title={t('common:pages.contact')} lead={t('contact.lead')}>
      <h2>{t('common:hotlines')}</h2>
      <Hotlines />
      <h2>{t('contact.cards')}</h2>
      <p>{t('contact.cardsText')}</p>
      <p>
        <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
      </p>
      <p>{t('contact.never')}</p>
    </Page>
  );
}
