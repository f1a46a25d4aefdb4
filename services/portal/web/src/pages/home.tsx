import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES, type PageName } from '../../../src/page-paths.js';
import { answerOf, api } from '../api/client.js';
import { Countdown } from '../ui/countdown.js';
import { rocTime } from '../ui/dates.js';
import { Page } from '../ui/page.js';
import { useAnswer } from '../ui/use-answer.js';

const TASKS = ['activate', 'suspendResume', 'search', 'apply', 'codes', 'selfCheck'] as const satisfies PageName[];
const WORTHS = ['identity', 'integrity', 'nonRepudiation', 'confidentiality'] as const;

export function Home() {
  const { t } = useTranslation('home');
  return (
    <Page title={t('title')} lead={t('lead')}>
      <ul className="tiles">
        {TASKS.map((name) => (
          <li key={name}>
            <Link to={PAGES[name]}>
              <strong>{t(`common:pages.${name}`)}</strong>
              <span>{t(`tasks.${name}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
      <ul className="worths">
        {WORTHS.map((name) => (
          <li key={name}>{t(`worths.${name}`)}</li>
        ))}
      </ul>
      <div className="two">
        <NextList />
        <WhatRuns />
      </div>
    </Page>
  );
}

const askNext = (signal: AbortSignal) => answerOf(api.GET('/api/v1/crls/next', { signal }));

function NextList() {
  const { t } = useTranslation('home');
  const { data, problem, again } = useAnswer(askNext);
  return (
    <section className="card" aria-labelledby="next-list">
      <h2 id="next-list">{t('nextList')}</h2>
      {data && (
        <dl className="facts">
          <div>
            <dt>{t('nextAt')}</dt>
            <dd>{rocTime(data.cut)}</dd>
          </div>
          <div>
            <dt>{t('timeLeft')}</dt>
            <dd>
              <Countdown key={data.cut} seconds={data.seconds} onEnd={again} />
            </dd>
          </div>
        </dl>
      )}
      {problem && <p>{t('common:unavailable')}</p>}
      <p>
        <Link to={PAGES.lists}>{t('common:pages.lists')}</Link>
      </p>
    </section>
  );
}

const askReady = async (signal: AbortSignal) =>
  (await (await fetch('/readyz', { signal, cache: 'no-store' })).json()) as { services?: Record<string, string> };

/** Where services are processes of their own they say it to those who run them, not to the public: then nothing is shown. */
function WhatRuns() {
  const { t } = useTranslation('home');
  const { data } = useAnswer(askReady);
  if (!data?.services) return null;
  return (
    <section className="card" aria-labelledby="what-runs">
      <h2 id="what-runs">{t('whatRuns')}</h2>
      <ul className="states">
        {Object.entries(data.services).map(([name, state]) => (
          <li key={name} className={state === 'ready' ? 'ready' : 'down'}>
            <span>{t(`services.${name}`, { defaultValue: name })}</span>
            <em>{t(state === 'ready' ? 'running' : 'down')}</em>
          </li>
        ))}
      </ul>
    </section>
  );
}
