import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { Field, SecretField } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';

const FIELDS = { case: RULES.returnCase, slipCode: RULES.slipCode };
const NOTHING = { case: '', slipCode: '' };
interface Progress {
  caseNumber: string;
  state: string;
  outcome: string | null;
  receivedAt: string | null;
  sentBackAt: string | null;
  registeredMail: string | null;
  newCaseNumber: string | null;
}

export function SentInProgress() {
  const { t } = useTranslation('cards');
  const { busy, problem, send } = useSending();
  const [progress, setProgress] = useState<Progress>();
  const form = useForm({ defaultValues: NOTHING, resolver: resolverOf<typeof NOTHING>(() => FIELDS) });
  const find = async (typed: typeof NOTHING) => {
    setProgress(undefined);
    const found = await send(async (signal) => {
      const order = {
        params: { path: { case: typed.case }, header: { 'X-Slip-Code': typed.slipCode } },
        signal,
      };
      setProgress((await answerOf(api.GET('/api/v1/card-returns/{case}/progress', order as never))) as Progress);
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: ['slipCode'], refused: 'slipCode' });
    else emptySecrets(form, ['slipCode']);
  };
  return (
    <Page title={t('common:pages.sentInProgress')} lead={t('progressLead')}>
      <form onSubmit={(event) => void form.handleSubmit(find)(event)}>
        <Field form={form} name="case" label={t('caseNumber')} maxLength={24} />
        <SecretField form={form} name="slipCode" label={t('slipCode')} maxLength={64} />
        <ProblemNote problem={problem} />
        <div className="actions">
          <button type="submit" className="primary" disabled={busy}>
            {t('find')}
          </button>
        </div>
      </form>
      {progress && (
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
    </Page>
  );
}
