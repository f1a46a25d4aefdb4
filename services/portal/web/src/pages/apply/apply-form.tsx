import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf, api } from '../../api/client.js';
import { NOTHING_TYPED, STEPS } from './application.js';
import { ApplicationForm } from './application-form.js';
import { fetchForm } from './form-file.js';
import { Received, type ReceivedProps } from './received.js';

/** 憑證申請: terms, company data, contact, user code, summary; then the form to print. */
export function ApplyForm() {
  const { t } = useTranslation('apply');
  const [received, setReceived] = useState<ReceivedProps>();
  if (received) return <Received {...received} />;
  return (
    <ApplicationForm
      title={t('formTitle')}
      steps={STEPS}
      initial={NOTHING_TYPED}
      sendLabel={t('send')}
      post={async ({ body, key, signal, typed }) => {
        const params = { header: { 'Idempotency-Key': key } };
        const { caseNumber } = await answerOf(
          api.POST('/api/v1/applications', { params, body: body as never, signal }),
        );
        // While the user code is still here: nobody types it again for the form.
        const file = (signal: AbortSignal) => fetchForm(caseNumber, body.userCode, signal);
        setReceived({ what: 'received', caseNumber, typed, file });
      }}
    />
  );
}
