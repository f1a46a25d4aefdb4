import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { answerOf, api } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';

interface Progress {
  caseNumber: string;
  state: string;
  receivedAt: string;
  decidedAt: string | null;
  reason: string | null;
  card: { cardNumber: string; state: string; registeredMail: string | null } | null;
}

/** By case number and user code, which goes in a header and never into an address. */
async function ask(typed: Record<string, string>, signal: AbortSignal): Promise<Progress> {
  const params = { path: { case: typed['case'] }, header: { 'X-User-Code': typed['userCode'] } };
  return (await answerOf(api.GET('/api/v1/applications/{case}', { params, signal } as never))) as Progress;
}

/** 申請進度查詢. */
export function ApplyProgress() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.applyProgress')} lead={t('progressLead')}>
      <LookUpForm
        fields={[
          { name: 'case', label: t('caseNumber'), hint: t('caseHint'), maxLength: 24, rule: RULES.applicationCase },
          { name: 'userCode', label: t('userCode'), maxLength: 10, rule: RULES.userCode, isSecret: true },
        ]}
        button={t('find')}
        ask={ask}
      >
        {(progress) => <Found progress={progress} />}
      </LookUpForm>
    </Page>
  );
}

function Found({ progress: { card, ...progress } }: { progress: Progress }) {
  const { t } = useTranslation('apply');
  return (
    <section className="card" role="status">
      <Facts
        rows={[
          [t('caseNumber'), <span className="mono">{progress.caseNumber}</span>],
          [t('state'), t(`states.${progress.state}`)],
          [t('receivedAt'), rocTime(progress.receivedAt)],
          ...(progress.decidedAt ? [[t('decidedAt'), rocTime(progress.decidedAt)] as const] : []),
          ...(progress.reason ? [[t('reason'), progress.reason] as const] : []),
          ...(card ? [[t('cardNumber'), <span className="mono">{card.cardNumber}</span>] as const] : []),
          ...(card ? [[t('cardState'), t(`cardStates.${card.state}`)] as const] : []),
          ...(card?.registeredMail ? [[t('registeredMail'), card.registeredMail] as const] : []),
        ]}
      />
      {progress.state === 'returned' && (
        <p>
          <Link to={PAGES.applyCorrect}>{t('common:pages.applyCorrect')}</Link>
        </p>
      )}
      {(progress.state === 'received' || progress.state === 'returned') && (
        <p>
          <Link to={PAGES.applyPrint}>{t('common:pages.applyPrint')}</Link>
        </p>
      )}
      {card && (
        <p>
          <Link to={PAGES.activateSelf}>{t('common:pages.activate')}</Link>
        </p>
      )}
    </section>
  );
}
