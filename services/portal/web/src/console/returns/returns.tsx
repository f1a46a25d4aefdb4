import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { Page } from '../../ui/page.js';
import { api } from '../api.js';
import { Entries } from '../parts/entries.js';
import { Filter } from '../parts/fields.js';
import { usePages } from '../parts/use-pages.js';
import { ReturnFile } from './return-file.js';

const ask = (state: string, after: string | undefined, signal: AbortSignal) =>
  answerOf(
    api.GET('/api/v1/card-returns', {
      params: { query: { ...(state && { state }), ...(after && { after }) } as never },
      signal,
    }),
  );
export type ReturnCase = Awaited<ReturnType<typeof ask>>['items'][number];
const STATES = ['', 'announced', 'received', 'identified', 'decided', 'sent-back'] as const;

/** 寄回卡片: cards that their holders sent in, and what the centre does with each. */
export default function Returns() {
  const { t } = useTranslation('console');
  const [state, setState] = useState('');
  const list = usePages(
    useCallback(
      (after: string | number | undefined, signal: AbortSignal) => ask(state, after?.toString(), signal),
      [state],
    ),
  );
  const options = STATES.map((name) => [name, t(name ? `returns.states.${name}` : 'all')] as const);
  return (
    <Page title={t('returns.title')} lead={t('returns.lead')}>
      <Filter label={t('stateShown')} value={state} options={options} onChange={setState} />
      <Entries
        key={state}
        label={t('returns.title')}
        {...list}
        keyOf={({ caseNumber }) => caseNumber}
        summary={(one) => (
          <>
            <strong>{one.caseNumber}</strong>
            <span>{one.cardNumber}</span>
            <span>{t(`returns.states.${one.state}`)}</span>
          </>
        )}
        content={(one) => <ReturnFile caseNumber={one.caseNumber} />}
      />
    </Page>
  );
}
