import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Problem } from '../../api/problem.js';
import { Notice } from '../../ui/notice.js';
import { ProblemNote } from '../../ui/problem-note.js';

interface EntriesProps<T> {
  label: string;
  items: readonly T[] | undefined;
  problem: Problem | undefined;
  missing?: Problem | undefined;
  more?: (() => void) | undefined;
  again: () => void;
  keyOf: (item: T) => string;
  summary: (item: T) => ReactNode;
  /** Rendered, and so asked for, once the entry is open. */
  content: (item: T) => ReactNode;
}

/** A list whose entries open: on a phone as on a wide screen. */
export function Entries<T>({ label, items, problem, missing, more, again, keyOf, summary, content }: EntriesProps<T>) {
  const { t } = useTranslation('console');
  if (problem && !items) return <ProblemNote problem={problem} />;
  if (!items) return <p className="loading">{t('common:loading')}</p>;
  return (
    <>
      <ProblemNote problem={problem} />
      {missing && (
        <Notice kind="warning" title={t('missing')}>
          <p>{t(`errors:codes.${missing.code}`)}</p>
        </Notice>
      )}
      <p className="small" role="status">
        {t('count', { count: items.length })}
      </p>
      <ul className="entries" aria-label={label}>
        {items.map((item) => (
          <li key={keyOf(item)}>
            <Entry summary={summary(item)}>{() => content(item)}</Entry>
          </li>
        ))}
      </ul>
      <div className="actions">
        {more && (
          <button type="button" className="second" onClick={more}>
            {t('more')}
          </button>
        )}
        <button type="button" className="second" onClick={again}>
          {t('refresh')}
        </button>
      </div>
    </>
  );
}

/** Made when it is opened first; folded again, it keeps what was typed. */
export function Entry({ summary, children }: { summary: ReactNode; children: () => ReactNode }) {
  const [wasOpened, setOpened] = useState(false);
  return (
    <details onToggle={(event) => event.currentTarget.open && setOpened(true)}>
      <summary>{summary}</summary>
      {wasOpened && children()}
    </details>
  );
}
