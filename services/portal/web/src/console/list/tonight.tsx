import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { answerOf } from '../../api/client.js';
import { RULES } from '../../forms/fields.js';
import { Countdown } from '../../ui/countdown.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';
import { api, once } from '../api.js';
import { useMay } from '../may.js';
import { ActForm } from '../parts/act-form.js';
import { GroundField } from '../parts/fields.js';
import { Differences } from './differences.js';
import { Held } from './held.js';
import { History } from './history.js';

const askNext = (signal: AbortSignal) => answerOf(api.GET('/api/v1/crls/next', { signal }));
const askLists = (signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/crls', { params: { query: { limit: 30 } as never }, signal }));
const askAlarms = (signal: AbortSignal) => answerOf(api.GET('/api/v1/alarms', { signal }));

export type PublishedList = Awaited<ReturnType<typeof askLists>>['items'][number];

/** 今晚的廢止清冊: what state it is in, what its gate says, and what changed from list to list. */
export default function Tonight() {
  const { t } = useTranslation('console');
  const may = useMay();
  const lists = useAnswer(askLists);
  const published = lists.data?.items ?? [];
  return (
    <Page title={t('list.title')} lead={t('list.lead')}>
      <Next />
      {may('GET /api/v1/alarms') && <Alarms />}
      <h2>{t('list.gate')}</h2>
      <p>{t('list.gateLead')}</p>
      <Held />
      <h2>{t('list.differences')}</h2>
      {may('GET /api/v1/crls/{a}/differences/{b}') ? (
        <Differences lists={published} />
      ) : (
        <p>{t('list.differencesNotYours')}</p>
      )}
      <h2>{t('list.history')}</h2>
      <ProblemNote problem={lists.problem} />
      {lists.data && <History lists={published} />}
      {may('POST /api/v1/emergency-lists') && <Emergency />}
    </Page>
  );
}

function Next() {
  const { t } = useTranslation('console');
  const { data, problem, again } = useAnswer(askNext);
  if (problem) return <ProblemNote problem={problem} />;
  if (!data) return <p className="loading">{t('common:loading')}</p>;
  return (
    <Facts
      rows={[
        [t('list.next'), rocTime(data.cut)],
        [t('list.state'), t(`list.states.${data.state}`)],
        [t('list.left'), <Countdown key={data.cut} seconds={data.seconds} onEnd={again} />],
      ]}
    />
  );
}

function Alarms() {
  const { t, i18n } = useTranslation('console');
  const { data, problem } = useAnswer(askAlarms);
  if (problem) return <ProblemNote problem={problem} />;
  if (!data) return null;
  if (data.open.length === 0) return <Notice kind="good" title={t('list.noAlarms')} />;
  return (
    <Notice kind="warning" title={t('list.alarms')}>
      <ul lang={i18n.language === 'en' ? undefined : 'en'}>
        {data.open.map(({ alarm, meaning, since }) => (
          <li key={alarm}>
            <strong>{alarm}</strong> {meaning} ({rocTime(since)})
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Emergency() {
  const { t } = useTranslation('console');
  const send = useCallback(
    (body: { ground: string }, signal: AbortSignal) =>
      answerOf(api.POST('/api/v1/emergency-lists', { params: { header: once() } as never, body, signal })),
    [],
  );
  return (
    <section aria-labelledby="emergency">
      <h2 id="emergency">{t('list.emergency')}</h2>
      <ActForm<{ ground: string }>
        label={t('list.emergency')}
        button={t('list.emergencyButton')}
        isHarm
        defaults={{ ground: '' }}
        rules={() => ({ ground: RULES.words })}
        fields={(form) => (
          <>
            <p>{t('list.emergencyLead')}</p>
            <GroundField form={form} />
          </>
        )}
        confirm={({ ground }) => ({ title: t('list.emergencyAsk'), text: <blockquote>{ground}</blockquote> })}
        send={send}
        done={t('list.emergencyDone')}
      />
    </section>
  );
}
