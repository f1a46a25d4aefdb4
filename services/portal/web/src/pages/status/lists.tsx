import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { answerOf, api } from '../../api/client.js';
import { Countdown } from '../../ui/countdown.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Code } from '../../ui/code.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';

const askLists = (signal: AbortSignal) =>
  answerOf(api.GET('/api/v1/crls', { params: { query: { limit: 20 } }, signal }));
const askNext = (signal: AbortSignal) => answerOf(api.GET('/api/v1/crls/next', { signal }));

/** 廢止清冊: which there are, which comes next, how to check one, when to fetch one. */
export function Lists() {
  const { t } = useTranslation('status');
  const lists = useAnswer(askLists);
  const next = useAnswer(askNext);
  const items = lists.data?.items ?? [];
  const latest = items[0];
  return (
    <Page title={t('common:pages.lists')} lead={t('listsLead')}>
      <div className="two">
        <section className="card" aria-labelledby="next">
          <h2 id="next">{t('next')}</h2>
          {next.data && (
            <Facts
              rows={[
                [t('nextAt'), rocTime(next.data.cut)],
                [t('timeLeft'), <Countdown key={next.data.cut} seconds={next.data.seconds} onEnd={next.again} />],
                [t('nextState'), t(`nextStates.${next.data.state}`)],
              ]}
            />
          )}
          <ProblemNote problem={next.problem} />
        </section>
        <section className="card" aria-labelledby="latest">
          <h2 id="latest">{t('latest')}</h2>
          {latest && (
            <Facts
              rows={[
                [t('number'), latest.number],
                [t('entries'), latest.entryCount],
                [t('validUntil'), rocTime(latest.nextUpdate)],
              ]}
            />
          )}
          <p>
            <a className="button" href="/crl/complete.crl">
              {t('downloadList')}
            </a>
          </p>
        </section>
      </div>
      <ProblemNote problem={lists.problem} />
      {items.length > 0 && (
        <div className="table-box" tabIndex={0} role="region" aria-label={t('all')}>
          <table>
            <caption>{t('all')}</caption>
            <thead>
              <tr>
                {(['number', 'thisUpdate', 'entries', 'size', 'digest', 'file'] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {items.map((list) => (
                <tr key={list.number}>
                  <th scope="row">{list.number}</th>
                  <td>{rocTime(list.thisUpdate)}</td>
                  <td>{list.entryCount}</td>
                  <td>{t('bytes', { bytes: list.bytes.toLocaleString('en') })}</td>
                  <td className="break mono small">{list.sha256}</td>
                  <td>
                    <a
                      href={`/crl/archive/${list.number}.crl`}
                      download
                      aria-label={t('downloadNumber', { number: list.number })}
                    >
                      {t('downloadShort')}
                    </a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h2>{t('check')}</h2>
      <p>{t('checkHow')}</p>
      <Code label={t('check')}>{`curl -O ${location.origin}/crl/complete.crl
sha256sum complete.crl
openssl crl -inform der -in complete.crl -noout -text
openssl crl -inform der -in complete.crl -CAfile ca.pem -noout`}</Code>
      <p>{t('checkCa')}</p>
      <h2>{t('when')}</h2>
      <p>{t('whenHow')}</p>
      <p>
        <Link to={PAGES.listsHelp}>{t('common:pages.listsHelp')}</Link>
      </p>
    </Page>
  );
}
