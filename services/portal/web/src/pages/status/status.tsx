import { useTranslation } from 'react-i18next';
import { Tiles } from '../../ui/links.js';
import { Page } from '../../ui/page.js';

/** 憑證狀態服務. */
export function Status() {
  const { t } = useTranslation('status');
  return (
    <Page title={t('common:pages.status')} lead={t('lead')}>
      <Tiles area="status" pages={['search', 'lists', 'statusHelp', 'listsHelp']} />
    </Page>
  );
}
