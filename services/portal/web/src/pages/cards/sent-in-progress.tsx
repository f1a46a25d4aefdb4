import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';

interface Progress {
  caseNumber: string;
  state: string;
  outcome: string | null;
  receivedAt: string | null;
  sentBackAt: string | null;
  registeredMail: string | null;
  newCaseNumber: string | null;
}

/** By the slip's case number and code, which goes in a header and never into an address. */
async function ask(typed: Record<string, string>, signal: AbortSignal): Promise<Progress> {
  const params = { path: { case: typed['case']! }, header: { 'X-Slip-Code': typed['slipCode']! } };
  return (await answerOf(api.GET('/api/v1/card-returns/{case}/progress', { params, signal }))) as Progress;
}

export function SentInProgress() {
  const { t } = useTranslation('cards');
  return (
    <Page title={t('common:pages.sentInProgress')} lead={t('progressLead')}>
      <LookUpForm
        fields={[
          { name: 'case', label: t('caseNumber'), maxLength: 24, rule: RULES.returnCase },
          { name: 'slipCode', label: t('slipCode'), maxLength: 64, rule: RULES.slipCode, isSecret: true },
        ]}
        button={t('find')}
        ask={ask}
      >
        {(progress) => (
          <section className="card" role="status">
            <Facts
              rows={[
                [t('caseNumber'), <span className="mono">{progress.caseNumber}</span>],
                [t('returnState'), t(`returnStates.${progress.state}`)],
                ...(progress.outcome ? [[t('outcome'), t(`outcomes.${progress.outcome}`)] as const] : []),
                ...(progress.receivedAt ? [[t('receivedAt'), rocTime(progress.receivedAt)] as const] : []),
                ...(progress.sentBackAt ? [[t('sentBackAt'), rocTime(progress.sentBackAt)] as const] : []),
                ...(progress.registeredMail ? [[t('registeredMail'), progress.registeredMail] as const] : []),
                ...(progress.newCaseNumber ? [[t('newCaseNumber'), progress.newCaseNumber] as const] : []),
              ]}
            />
          </section>
        )}
      </LookUpForm>
    </Page>
  );
}
