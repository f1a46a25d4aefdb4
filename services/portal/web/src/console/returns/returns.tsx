import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { api } from '../api.js';
import { Queue } from '../parts/queue.js';
import { ReturnFile } from './return-file.js';

const STATES = ['', 'announced', 'received', 'identified', 'decided', 'sent-back'] as const;
const ask = (state: (typeof STATES)[number]) => (after: string | undefined, signal: AbortSignal) =>
  answerOf(
    api.GET('/api/v1/card-returns', {
      params: { query: { ...(state && { state }), ...(after && { after }) } as never },
      signal,
    }),
  );

/** 寄回卡片: cards that their holders sent in, and what the centre does with each. */
export default function Returns() {
  const { t } = useTranslation('console');
  return (
    <Queue
      texts="returns"
      states={STATES}
      ask={ask}
      keyOf={({ caseNumber }) => caseNumber}
      summary={(one) => (
        <>
          <strong>{one.caseNumber}</strong>
          <span>{one.cardNumber}</span>
          <span>{t(`returns.states.${one.state}`)}</span>
        </>
      )}
      content={({ caseNumber, state }) => <ReturnFile caseNumber={caseNumber} listed={state} />}
    />
  );
}
