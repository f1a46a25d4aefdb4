import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { api } from '../api.js';
import { Queue } from '../parts/queue.js';
import { Decision } from './decision.js';

const STATES = ['received', 'returned', 'waiting-for-stock', 'approved', 'rejected'] as const;
type State = (typeof STATES)[number];

const askPage = (state: State, after: string | undefined, signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/applications', { params: { query: { state, ...(after && { after }) } }, signal }));
export type Application = Awaited<ReturnType<typeof askPage>>['items'][number];
const ask = (state: State) => (after: string | undefined, signal: AbortSignal) => askPage(state, after, signal);

/** 申請案件審核: what waits, oldest first. */
export default function Applications() {
  const { t } = useTranslation('console');
  return (
    <Queue
      texts="applications"
      states={STATES}
      ask={ask}
      keyOf={({ caseNumber }) => caseNumber}
      summary={(one) => (
        <>
          <strong>{one.name}</strong>
          <span>{one.caseNumber}</span>
          <span>{one.ubn}</span>
        </>
      )}
      content={(one, onDone) => (
        <File
          application={one}
          onDecided={() => onDone(t('applications.decided', { caseNumber: one.caseNumber, name: one.name }))}
        />
      )}
    />
  );
}

function File({ application, onDecided }: { application: Application; onDecided: () => void }) {
  const { t } = useTranslation('console');
  const { decidedAt } = application;
  return (
    <>
      <Facts
        rows={[
          [t('applications.caseNumber'), application.caseNumber],
          [t('applications.name'), application.name],
          [t('applications.branch'), application.branch ?? '—'],
          [t('applications.kind'), t(`applications.kinds.${application.kind}`)],
          [t('applications.county'), application.county ?? '—'],
          [t('applications.ubn'), application.ubn],
          [t('applications.email'), application.certificateEmail ?? '—'],
          [t('applications.rank'), t(`ranks.${application.rank}`)],
          [t('applications.way'), t(`applications.ways.${application.way}`)],
          [t('applications.idUnusual'), application.nationalIdConfirmed ? t('yes') : t('no')],
          [t('applications.receivedAt'), rocTime(application.receivedAt)],
          ...(decidedAt ? [[t('applications.decidedAt'), rocTime(decidedAt)] as const] : []),
          ...(application.reason ? [[t('applications.reason'), application.reason] as const] : []),
          ...(application.cardNumber ? [[t('cardNumber'), application.cardNumber] as const] : []),
        ]}
      />
      {application.state === 'received' && <Decision application={application} onDecided={onDecided} />}
    </>
  );
}
