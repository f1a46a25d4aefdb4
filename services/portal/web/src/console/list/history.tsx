import { useTranslation } from 'react-i18next';
import { rocTime } from '../../ui/dates.js';
import type { PublishedList } from './tonight.js';

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 72;
const BOTTOM = 36;
const TOP = 12;

/** Entries of each list as bars, oldest on the left; the table below says the same in numbers. */
export function History({ lists }: { lists: readonly PublishedList[] }) {
  const { t } = useTranslation('console');
  const shown = [...lists].reverse();
  const most = Math.max(1, ...shown.map(({ entryCount }) => entryCount));
  const step = (WIDTH - LEFT) / Math.max(1, shown.length);
  const height = (count: number) => ((HEIGHT - BOTTOM - TOP) * count) / most;
  const floor = HEIGHT - BOTTOM;
  return (
    <>
      <svg
        className="chart"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={t('list.chart', { count: shown.length, most })}
      >
        <line x1={LEFT} y1={floor} x2={WIDTH} y2={floor} />
        <text x={LEFT - 6} y={TOP + 16} textAnchor="end">
          {most}
        </text>
        <text x={LEFT - 6} y={floor} textAnchor="end">
          0
        </text>
        {shown.map(({ number, entryCount, degraded }, index) => (
          <g key={number}>
            <rect
              className={degraded ? 'degraded' : undefined}
              x={LEFT + index * step + step * 0.15}
              y={floor - Math.max(1, height(entryCount))}
              width={step * 0.7}
              height={Math.max(1, height(entryCount))}
            />
            {(index === 0 || index === shown.length - 1) && (
              <text x={LEFT + (index + 0.5) * step} y={HEIGHT - 8} textAnchor={index === 0 ? 'start' : 'end'}>
                {number}
              </text>
            )}
          </g>
        ))}
      </svg>
      <details>
        <summary>{t('list.table')}</summary>
        <div className="table-box" tabIndex={0} role="region" aria-label={t('list.history')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('list.number')}</th>
                <th scope="col">{t('list.kind')}</th>
                <th scope="col">{t('list.cut')}</th>
                <th scope="col">{t('list.publishedAt')}</th>
                <th scope="col">{t('list.nextUpdate')}</th>
                <th scope="col">{t('list.entries')}</th>
              </tr>
            </thead>
            <tbody>
              {lists.map((list) => (
                <tr key={list.number}>
                  <td>{list.number}</td>
                  <td>
                    {t(`list.kinds.${list.kind}`)}
                    {list.degraded && ` ${t('list.degraded')}`}
                  </td>
                  <td>{rocTime(list.cut)}</td>
                  <td>{rocTime(list.publishedAt)}</td>
                  <td>{rocTime(list.nextUpdate)}</td>
                  <td>{list.entryCount}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}
