import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { CORRECTION_STEPS, NOTHING_TYPED, type Typed } from './application.js';
import { ApplicationForm } from './application-form.js';
import { ApplicationLookUp, askProgress, type Progress } from './application-look-up.js';
import { fetchForm } from './form-file.js';
import { Received, type ReceivedProps } from './received.js';

/** 申請補正: why it was sent back, the form as it was sent, and again to the office. */
export function ApplyCorrect() {
  const { t } = useTranslation('apply');
  const [found, setFound] = useState<Progress>();
  const [received, setReceived] = useState<ReceivedProps>();
  if (received) return <Received {...received} />;
  if (found?.correction) return <Correction found={found} onReceived={setReceived} />;
  return (
    <Page title={t('common:pages.applyCorrect')} lead={t('correctLead')}>
      <ApplicationLookUp
        button={t('find')}
        ask={async (...typed) => {
          const progress = await askProgress(...typed);
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
      </ApplicationLookUp>
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
        const params = { path: { case: caseNumber }, header: { 'Idempotency-Key': key } };
        await answerOf(api.POST('/api/v1/applications/{case}/resubmission', { params, body: body as never, signal }));
        const file = (signal: AbortSignal) => fetchForm(caseNumber, body.userCode, signal);
        onReceived({ what: 'corrected', caseNumber, typed, file });
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
