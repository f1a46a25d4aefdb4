import { useTranslation } from 'react-i18next';
import { Tiles } from '../../ui/links.js';
import { Page } from '../../ui/page.js';

/** 用戶代碼/PIN 碼. */
export function Codes() {
  const { t } = useTranslation('codes');
  return (
    <Page title={t('common:pages.codes')} lead={t('lead')}>
      <Tiles area="codes" pages={['userCodeChange', 'userCodeForgotten', 'pinChange', 'pinForgotten', 'unlock']} />
      <h2>{t('difference')}</h2>
      <p>{t('userCodeIs')}</p>
      <p>{t('pinIs')}</p>
    </Page>
  );
}
