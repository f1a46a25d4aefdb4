import { useTranslation } from 'react-i18next';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ApplicationLookUp } from './application-look-up.js';
import { fetchForm } from './form-file.js';
import { SaveForm } from './save-form.js';

async function ask(caseNumber: string, userCode: string, signal: AbortSignal) {
  const form = await fetchForm(caseNumber, userCode, signal);
  return { caseNumber, file: () => Promise.resolve(form) };
}

/** 列印申請書. */
export function ApplyPrint() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.applyPrint')} lead={t('printLead')}>
      <ApplicationLookUp button={t('makeForm')} ask={ask}>
        {(made) => (
          <Notice kind="good" title={t('formReady')}>
            <p className="actions">
              <SaveForm {...made} />
            </p>
          </Notice>
        )}
      </ApplicationLookUp>
    </Page>
  );
}
