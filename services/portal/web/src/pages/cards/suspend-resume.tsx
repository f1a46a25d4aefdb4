import { useTranslation } from 'react-i18next';
import { Page } from '../../ui/page.js';
import { CommandForm } from './command-form.js';

/** 憑證停用/復用. */
export function SuspendResume() {
  const { t } = useTranslation('cards');
  return (
    <Page title={t('common:pages.suspendResume')} lead={t('suspendResumeLead')}>
      <CommandForm />
    </Page>
  );
}
