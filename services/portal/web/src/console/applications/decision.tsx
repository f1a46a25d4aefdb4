import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { Field } from '../../forms/field.js';
import { RULES } from '../../forms/fields.js';
import { api } from '../api.js';
import { ActForm } from '../parts/act-form.js';
import type { Application } from './applications.js';

const DECISIONS = ['approval', 'return', 'rejection'] as const;

interface Values {
  decision: (typeof DECISIONS)[number];
  reason: string;
}

/** Approve, send back, or reject: the applicant sees the reason of the latter two. */
export function Decision({ application, onDecided }: { application: Application; onDecided: () => void }) {
  const { t } = useTranslation('console');
  const { caseNumber, name } = application;
  const params = { path: { case: caseNumber } };
  const send = ({ decision, reason }: Values, signal: AbortSignal) => {
    if (decision === 'approval') {
      return answerOf(api.POST('/api/v1/applications/{case}/approval', { params, body: {}, signal }));
    }
    return answerOf(
      decision === 'return'
        ? api.POST('/api/v1/applications/{case}/return', { params, body: { reason }, signal })
        : api.POST('/api/v1/applications/{case}/rejection', { params, body: { reason }, signal }),
    );
  };
  return (
    <ActForm<Values>
      label={t('applications.decision')}
      button={t('applications.send')}
      defaults={{ decision: 'approval', reason: '' }}
      rules={({ decision }) => ({ decision: RULES.choice, ...(decision !== 'approval' && { reason: RULES.words }) })}
      fields={(form) => (
        <>
          <Field
            form={form}
            name="decision"
            label={t('applications.decision')}
            options={DECISIONS.map((one) => [one, t(`applications.decisions.${one}`)])}
          />
          {form.watch('decision') !== 'approval' && (
            <Field
              form={form}
              name="reason"
              label={t('applications.reason')}
              hint={t('applications.reasonHint')}
              rows={3}
              maxLength={500}
            />
          )}
        </>
      )}
      confirm={({ decision, reason }) => ({
        title: t(`applications.asks.${decision}`, { name }),
        text: (
          <>
            <p>{t(`applications.meanings.${decision}`)}</p>
            {decision !== 'approval' && <blockquote>{reason}</blockquote>}
          </>
        ),
      })}
      send={send}
      done={t('done')}
      onDone={onDecided}
    />
  );
}
