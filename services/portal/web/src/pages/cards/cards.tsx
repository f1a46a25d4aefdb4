import { useTranslation } from 'react-i18next';
import { Page } from '../../ui/page.js';
import { Tiles } from '../../ui/links.js';

/** 憑證 IC 卡作業. */
export function Cards() {
  const { t } = useTranslation('cards');
  return (
    <Page title={t('common:pages.cards')} lead={t('lead')}>
      <Tiles area="cards" pages={['suspendResume', 'lost', 'receipt', 'sentIn', 'sentInProgress']} />
    </Page>
  );
}
