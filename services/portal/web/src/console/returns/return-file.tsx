import { type ReactNode, useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { z } from 'zod';
import { answerOf } from '../../api/client.js';
import { Field } from '../../forms/field.js';
import { RULES } from '../../forms/fields.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';
import { api } from '../api.js';
import { type Door } from '../../../../src/console-doors.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { GroundField } from '../parts/fields.js';

const OUTCOMES = ['unlocked', 'found-sound', 'defective'] as const;
const mail = { schema: z.string().trim().min(1), wrong: 'required' };

/** @param listed its state as the list has it */
export function ReturnFile({ caseNumber, listed }: { caseNumber: string; listed: string }) {
  const { t } = useTranslation('console');
  const { data, problem, again } = useAnswer(
    useCallback(
      (signal: AbortSignal) =>
        answerOf(api.GET('/api/v1/card-returns/{case}', { params: { path: { case: caseNumber } }, signal })),
      [caseNumber],
    ),
  );
  const time = (at: string | null) => (at ? rocTime(at) : '—');
  return (
    <>
      {problem && <ProblemNote problem={problem} />}
      {!data && !problem && <p className="loading">{t('common:loading')}</p>}
      {data && (
        <Facts
          rows={[
            [t('cardNumber'), data.cardNumber],
            [t('returns.state'), t(`returns.states.${data.state}`)],
            [t('returns.announcedAt'), rocTime(data.announcedAt)],
            ...(data.letter
              ? [
                  [t('returns.errorMessage'), data.letter.errorMessage] as const,
                  [t('returns.contact'), `${data.letter.contact.name} ${data.letter.contact.phone} ${data.letter.contact.address}`] as const, // prettier-ignore
                ]
              : [[t('returns.errorMessage'), t('returns.erased')] as const]),
            [t('returns.receivedAt'), `${time(data.receivedAt)} ${data.receivedBy ?? ''}`],
            [t('returns.identifiedAt'), `${time(data.identifiedAt)} ${data.identifiedHow ? t(`returns.how.${data.identifiedHow}`) : ''}`], // prettier-ignore
            [t('returns.unlockedAt'), time(data.unlockedAt)],
            [t('returns.outcome'), data.outcome ? t(`returns.outcomes.${data.outcome}`) : '—'],
            [t('returns.sentBackAt'), `${time(data.sentBackAt)} ${data.registeredMail ?? ''}`],
            ...(data.newCaseNumber ? [[t('returns.newCase'), data.newCaseNumber] as const] : []),
          ]}
        />
      )}
      {/* outside of what is asked anew, so that what was typed and told stays */}
      {(data?.state ?? listed) !== 'sent-back' && <Acts caseNumber={caseNumber} onDone={again} />}
    </>
  );
}

interface ActsProps {
  caseNumber: string;
  onDone: () => void;
}

function Acts(props: ActsProps) {
  const { t } = useTranslation('console');
  const may = useMay();
  const { caseNumber, onDone } = props;
  const params = { path: { case: caseNumber } };
  const cardNumberAct = (act: 'receipt' | 'identification') => (
    <ActForm<{ cardNumber: string }>
      label={t(`returns.${act}`)}
      button={t(`returns.${act}`)}
      defaults={{ cardNumber: '' }}
      rules={() => ({ cardNumber: RULES.cardNumber })}
      fields={(form) => (
        <Field form={form} name="cardNumber" label={t('returns.printed')} hint={t('returns.printedHint')} />
      )}
      confirm={({ cardNumber }) => ({ title: t(`returns.${act}Ask`), text: <p className="typed">{cardNumber}</p> })}
      send={(body, signal) =>
        answerOf(
          act === 'receipt'
            ? api.POST('/api/v1/card-returns/{case}/receipt', { params, body, signal })
            : api.POST('/api/v1/card-returns/{case}/identification', { params, body, signal }),
        )
      }
      done={t('done')}
      onDone={onDone}
    />
  );
  const act = (door: Door, title: string, content: ReactNode) =>
    may(door) && (
      <details>
        <summary>{title}</summary>
        {content}
      </details>
    );
  return (
    <div className="acts">
      {act('POST /api/v1/card-returns/{case}/receipt', t('returns.receipt'), cardNumberAct('receipt'))}
      {act(
        'POST /api/v1/card-returns/{case}/identification',
        t('returns.identification'),
        cardNumberAct('identification'),
      )}
      {act('POST /api/v1/card-returns/{case}/outcome', t('returns.askOutcome'), <AskOutcome {...props} />)}
      {act(
        'POST /api/v1/card-returns/{case}/dispatch',
        t('returns.dispatch'),
        <ActForm<{ registeredMail: string }>
          label={t('returns.dispatch')}
          button={t('returns.dispatch')}
          defaults={{ registeredMail: '' }}
          rules={() => ({ registeredMail: mail })}
          fields={(form) => <Field form={form} name="registeredMail" label={t('returns.mail')} />}
          confirm={({ registeredMail }) => ({
            title: t('returns.dispatchAsk'),
            text: <p className="typed">{registeredMail}</p>,
          })}
          send={(body, signal) => answerOf(api.POST('/api/v1/card-returns/{case}/dispatch', { params, body, signal }))}
          done={t('done')}
          onDone={onDone}
        />,
      )}
    </div>
  );
}

function AskOutcome({ caseNumber, onDone }: ActsProps) {
  const { t } = useTranslation('console');
  return (
    <ActForm<{ outcome: (typeof OUTCOMES)[number]; ground: string }>
      label={t('returns.askOutcome')}
      button={t('returns.askOutcome')}
      isHarm
      defaults={{ outcome: 'unlocked', ground: '' }}
      rules={() => ({ outcome: RULES.choice, ground: RULES.words })}
      fields={(form) => (
        <>
          <p>{t('returns.outcomeLead')}</p>
          <Field
            form={form}
            name="outcome"
            label={t('returns.outcome')}
            options={OUTCOMES.map((one) => [one, t(`returns.outcomes.${one}`)])}
          />
          <GroundField form={form} />
        </>
      )}
      confirm={({ outcome, ground }) => ({
        title: t('returns.outcomeAsk', { outcome: t(`returns.outcomes.${outcome}`) }),
        text: (
          <>
            {outcome === 'defective' && <p>{t('returns.defectiveMeans')}</p>}
            <blockquote>{ground}</blockquote>
          </>
        ),
      })}
      send={(body, signal) =>
        answerOf(
          api.POST('/api/v1/card-returns/{case}/outcome', { params: { path: { case: caseNumber } }, body, signal }),
        )
      }
      done={t('askedSecond')}
      onDone={onDone}
    />
  );
}
