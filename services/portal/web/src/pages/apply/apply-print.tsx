import { useTranslation } from 'react-i18next';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { fetchForm } from './form-file.js';
import { SaveForm } from './save-form.js';

async function ask(typed: Record<string, string>, signal: AbortSignal) {
  const caseNumber = typed['case']!;
  return { caseNumber, file: Promise.resolve(await fetchForm(caseNumber, typed['userCode']!, signal)) };
}

/** 列印申請書. */
export function ApplyPrint() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.applyPrint')} lead={t('printLead')}>
      <LookUpForm
        fields={[
          { name: 'case', label: t('caseNumber'), hint: t('caseHint'), maxLength: 24, rule: RULES.applicationCase },
          { name: 'userCode', label: t('userCode'), maxLength: 10, rule: RULES.userCode, isSecret: true },
        ]}
        button={t('makeForm')}
        ask={ask}
      >
        {(made) => (
          <Notice kind="good" title={t('formReady')}>
            <p className="actions">
              <SaveForm {...made} />
            </p>
          </Notice>
        )}
      </LookUpForm>
    </Page>
  );
}
