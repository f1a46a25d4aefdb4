import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { LookUpForm } from '../../forms/look-up-form.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { CORRECTION_STEPS, type Kind, NOTHING_TYPED, type Typed } from './application.js';
import { ApplicationForm } from './application-form.js';
import { fetchForm } from './form-file.js';
import { Received, type ReceivedProps } from './received.js';

interface Progress {
  caseNumber: string;
  state: string;
  reason: string | null;
  correction: {
    kind: Kind;
    name: string;
    branch: string | null;
    county: string | null;
    ubn: string;
    certificateEmail: string | null;
    rank: 'primary' | 'secondary';
    representative: { name: string; nationalIdGiven: boolean };
    contact: { name: string; email: string; phone: string; address: string };
  } | null;
}

async function ask(typed: Record<string, string>, signal: AbortSignal): Promise<Progress> {
  const params = { path: { case: typed['case'] }, header: { 'X-User-Code': typed['userCode'] } };
  return (await answerOf(api.GET('/api/v1/applications/{case}', { params, signal } as never))) as Progress;
}

/** 申請補正: why it was sent back, the form as it was sent, and again to the office. */
export function ApplyCorrect() {
  const { t } = useTranslation('apply');
  const [found, setFound] = useState<Progress>();
  const [received, setReceived] = useState<ReceivedProps>();
  if (received) return <Received {...received} />;
  if (found?.correction) return <Correction found={found} onReceived={setReceived} />;
  return (
    <Page title={t('common:pages.applyCorrect')} lead={t('correctLead')}>
      <LookUpForm
        fields={[
          { name: 'case', label: t('caseNumber'), hint: t('caseHint'), maxLength: 24, rule: RULES.applicationCase },
          { name: 'userCode', label: t('userCode'), maxLength: 10, rule: RULES.userCode, isSecret: true },
        ]}
        button={t('find')}
        ask={async (typed, signal) => {
          const progress = await ask(typed, signal);
          setFound(progress);
          return progress;
        }}
      >
        {({ state }) => (
          <Notice kind="info" title={t('notReturned')}>
            <p>
              {t('state')}：{t(`states.${state}`)}
            </p>
          </Notice>
        )}
      </LookUpForm>
    </Page>
  );
}

function Correction({ found, onReceived }: { found: Progress; onReceived: (props: ReceivedProps) => void }) {
  const { t } = useTranslation('apply');
  const { caseNumber, reason } = found;
  return (
    <ApplicationForm
      title={t('common:pages.applyCorrect')}
      above={
        <Notice kind="warning" title={t('returnedTitle')}>
          <p>{reason}</p>
        </Notice>
      }
      steps={CORRECTION_STEPS}
      initial={typedOf(found.correction!)}
      sendLabel={t('resend')}
      post={async ({ body, key, signal, typed }) => {
        const params = { path: { case: caseNumber }, header: { 'idempotency-key': key } };
        await answerOf(api.POST('/api/v1/applications/{case}/resubmission', { params, body: body as never, signal }));
        onReceived({ what: 'corrected', caseNumber, typed, file: fetchForm(caseNumber, body.userCode) });
      }}
    />
  );
}

function typedOf(correction: NonNullable<Progress['correction']>): Typed {
  const { kind, name, branch, county, ubn, certificateEmail, rank, representative, contact } = correction;
  return {
    ...NOTHING_TYPED,
    ...{ agreed: true, kind, name, branch: branch ?? '', county: county ?? '', ubn, rank },
    certificateEmail: certificateEmail ?? '',
    representativeName: representative.name,
    nationalIdGiven: representative.nationalIdGiven,
    ...{ contactName: contact.name, email: contact.email, phone: contact.phone, address: contact.address },
  };
}
