import { type ReactNode, useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '../../ui/page.js';
import { Entries } from './entries.js';
import { Filter } from './fields.js';
import { type AskPage, usePages } from './use-pages.js';
import { type Tell, useTold } from './use-told.js';

interface QueueProps<T, S extends string, C> {
  /** Its texts: title, lead, and the names of its states. */
  texts: 'applications' | 'approvals' | 'returns' | 'deadLetters';
  /** What can be chosen; the first is shown first, and an empty one is all of them. */
  states: readonly S[];
  /** @param ask memoised */
  ask: (state: S) => AskPage<T, C>;
  keyOf: (item: T) => string;
  summary: (item: T) => ReactNode;
  /** @param onDone tells what was done, and reads the list anew */
  content: (item: T, onDone: Tell) => ReactNode;
}

/** A page of what waits for somebody, by its state, oldest first; an entry that is opened shows what can be done with it. */
export function Queue<T, S extends string, C>({ texts, states, ...list }: QueueProps<T, S, C>) {
  const { t } = useTranslation('console');
  const { told, tell } = useTold();
  const [state, setState] = useState<S>(states[0]!);
  const options = states.map((name) => [name, t(name ? `${texts}.states.${name}` : 'all')] as const);
  return (
    <Page title={t(`${texts}.title`)} lead={t(`${texts}.lead`)}>
      {told}
      <Filter label={t('stateShown')} value={state} options={options} onChange={(chosen) => setState(chosen as S)} />
      <List key={state} label={t(`${texts}.title`)} state={state} tell={tell} {...list} />
    </Page>
  );
}

type ListProps<T, S extends string, C> = Omit<QueueProps<T, S, C>, 'texts' | 'states'> & {
  label: string;
  state: S;
  tell: Tell;
};

function List<T, S extends string, C>({ label, state, tell, ask, keyOf, summary, content }: ListProps<T, S, C>) {
  const list = usePages<T, C>(useCallback((after, signal) => ask(state)(after, signal), [ask, state]));
  const { again } = list;
  const onDone: Tell = (...told) => {
    tell(...told);
    again();
  };
  return <Entries label={label} {...list} keyOf={keyOf} summary={summary} content={(item) => content(item, onDone)} />;
}
