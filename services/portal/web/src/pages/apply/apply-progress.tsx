import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { Field, SecretField } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';

const FIELDS = { case: RULES.applicationCase, userCode: RULES.userCode };
const NOTHING = { case: '', userCode: '' };
interface Progress {
  caseNumber: string;
  state: string;
  receivedAt: string;
  decidedAt: string | null;
  reason: string | null;
  card: { cardNumber: string; state: string; registeredMail: string | null } | null;
}

/** 申請進度查詢: by case number and user code, which goes in a header and never into an address. */
export function ApplyProgress() {
  const { t } = useTranslation('apply');
  const { busy, problem, send } = useSending();
  const [progress, setProgress] = useState<Progress>();
  const form = useForm({ defaultValues: NOTHING, resolver: resolverOf<typeof NOTHING>(() => FIELDS) });
  const find = async (typed: typeof NOTHING) => {
    setProgress(undefined);
    const found = await send(async (signal) => {
      const order = { params: { path: { case: typed.case }, header: { 'X-User-Code': typed.userCode } }, signal };
      setProgress((await answerOf(api.GET('/api/v1/applications/{case}', order as never))) as Progress);
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: ['userCode'], refused: 'userCode' });
    else emptySecrets(form, ['userCode']);
  };
  return (
    <Page title={t('common:pages.applyProgress')} lead={t('progressLead')}>
      <form onSubmit={(event) => void form.handleSubmit(find)(event)}>
        <Field form={form} name="case" label={t('caseNumber')} hint={t('caseHint')} maxLength={24} />
        <SecretField form={form} name="userCode" label={t('userCode')} maxLength={10} />
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
              [t('state'), t(`states.${progress.state}`)],
              [t('receivedAt'), rocTime(progress.receivedAt)],
              ...(progress.decidedAt ? [[t('decidedAt'), rocTime(progress.decidedAt)] as const] : []),
              ...(progress.reason ? [[t('reason'), progress.reason] as const] : []),
              ...(progress.card
                ? [
                    [t('cardNumber'), <span className="mono">{progress.card.cardNumber}</span>] as const,
                    [t('cardState'), t(`cardStates.${progress.card.state}`)] as const,
                  ]
                : []),
              ...(progress.card?.registeredMail ? [[t('registeredMail'), progress.card.registeredMail] as const] : []),
            ]}
          />
          {progress.card && (
            <p>
              <Link to={PAGES.activateSelf}>{t('common:pages.activate')}</Link>
            </p>
          )}
        </section>
      )}
    </Page>
  );
}
