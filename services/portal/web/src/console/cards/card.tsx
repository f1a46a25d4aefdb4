import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { rocDay, rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';
import { SECTIONS } from '../sections.js';
import { askCard, type CardFile, statusOf } from './ask-card.js';
import { CardActs } from './card-acts.js';
import { Timeline } from './timeline.js';

export function Card() {
  const { t } = useTranslation('console');
  const { number = '' } = useParams();
  const { data, problem, again } = useAnswer(useCallback((signal: AbortSignal) => askCard(number, signal), [number]));
  return (
    <Page title={t('cards.card', { number })}>
      <p>
        <Link to={SECTIONS.cards.path}>{t('cards.other')}</Link>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {!data && !problem && <p className="loading">{t('common:loading')}</p>}
      {data && (
        <>
          {data.problems.map((one, index) => (
            <ProblemNote key={index} problem={one} />
          ))}
          <CardFacts number={number} file={data} />
          <h2>{t('cards.history')}</h2>
          <Timeline file={data} />
          <button type="button" className="second" onClick={again}>
            {t('refresh')}
          </button>
        </>
      )}
      {/* outside of what is asked anew, so that what was typed stays */}
      <CardActs number={number} onDone={again} />
    </Page>
  );
}

function CardFacts({ number, file }: { number: string; file: CardFile }) {
  const { certificate, production, status } = file;
  const shown = statusOf(file);
  const { t } = useTranslation('console');
  const serials = certificate?.serials ?? production?.serials;
  return (
    <Facts
      rows={[
        [t('cardNumber'), number],
        ...(certificate
          ? [
              [
                t('cards.status'),
                <span key="status" className={`status ${shown}`}>
                  {t(`statuses.${shown}`)}
                </span>,
              ] as const,
              [t('applications.name'), certificate.name] as const,
              [t('applications.ubn'), certificate.ubn] as const,
              [t('cards.validity'), `${rocDay(certificate.notBefore)} – ${rocDay(certificate.notAfter)}`] as const,
            ]
          : []),
        ...(production
          ? [
              [t('cards.production'), t(`cards.states.${production.state}`)] as const,
              [t('applications.caseNumber'), production.caseNumber ?? '—'] as const,
            ]
          : []),
        ...(serials
          ? [
              [
                t('cards.serials'),
                <span key="serials" className="mono">{`${serials.signature} ${serials.encryption}`}</span>,
              ] as const,
            ]
          : []),
        ...(status?.acceptBy ? [[t('cards.acceptBy'), rocTime(status.acceptBy)] as const] : []),
      ]}
    />
  );
}
