import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { rocTime } from '../../ui/dates.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { api } from '../api.js';
import { Filter } from '../parts/fields.js';
import { usePages } from '../parts/use-pages.js';
import type { PublishedList } from './tonight.js';

/** Every entry added, gone or changed by a list, and the rows of the owner's log that explain it. */
export function Differences({ lists }: { lists: readonly PublishedList[] }) {
  const { t } = useTranslation('console');
  const pairs = lists.slice(0, -1).map((list, index) => ({ to: list, from: lists[index + 1]! }));
  const [chosen, choose] = useState<string>();
  const pair = pairs.find(({ to }) => to.number === chosen) ?? pairs[0];
  if (!pair) return <p>{t('list.noDifferences')}</p>;
  return (
    <>
      <Filter
        label={t('list.ofList')}
        value={pair.to.number}
        options={pairs.map(({ to }) => [to.number, `${to.number}: ${rocTime(to.cut)}`])}
        onChange={choose}
      />
      <Table key={pair.to.number} from={pair.from.number} to={pair.to.number} />
    </>
  );
}

function Table({ from, to }: { from: string; to: string }) {
  const { t } = useTranslation('console');
  const { items, problem, more } = usePages(
    useCallback(
      (after: string | number | undefined, signal: AbortSignal) =>
        answerOf(
          api.GET('/api/v1/crls/{a}/differences/{b}', {
            params: { path: { a: from, b: to }, query: { limit: 50, ...(after !== undefined && { after }) } as never },
            signal,
          }),
        ),
      [from, to],
    ),
  );
  if (problem) return <ProblemNote problem={problem} />;
  if (!items) return <p className="loading">{t('common:loading')}</p>;
  if (items.length === 0) return <p role="status">{t('list.same')}</p>;
  return (
    <>
      <div className="table-box" tabIndex={0} role="region" aria-label={t('list.differences')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('cardNumber')}</th>
              <th scope="col">{t('list.difference')}</th>
              <th scope="col">{t('cards.reason')}</th>
              <th scope="col">{t('list.explanation')}</th>
              <th scope="col">{t('list.serial')}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.serial}>
                <td>{one.cardNumber ?? '—'}</td>
                <td>{t(`list.changes.${one.difference}`)}</td>
                <td>{t(`reasons.${(one.after ?? one.before)?.reason ?? 'none'}`)}</td>
                <td>
                  {t(`list.explanations.${one.explanation}`)}
                  {one.rows.length > 0 && ` (${one.rows.map(({ seq }) => `#${seq}`).join(' ')})`}
                </td>
                <td className="mono break">{one.serial}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more && (
        <button type="button" className="second" onClick={more}>
          {t('more')}
        </button>
      )}
    </>
  );
}
