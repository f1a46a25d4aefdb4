import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useHref } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import type { Problem } from '../api/problem.js';
import { Hotlines } from './hotlines.js';
import { Notice } from './notice.js';

/** Where a holder goes on. */
const HELPFUL: Partial<Record<Problem['code'], readonly (keyof typeof PAGES)[]>> = {
  cardBlocked: ['unlock', 'sentIn'],
  cardRevoked: ['apply'],
  cardNeedsCentre: ['sentIn'],
};

function HelpfulPages({ names }: { names: readonly (keyof typeof PAGES)[] }) {
  const { t } = useTranslation();
  const isConsole = useHref('/') !== '/'; // for holders; officers know
  if (isConsole) return null;
  return (
    <p>
      {names.map((name, index) => (
        <Fragment key={name}>
          {index > 0 && ' · '}
          <Link to={PAGES[name]}>{t(`pages.${name}`)}</Link>
        </Fragment>
      ))}
    </p>
  );
}

/** What went wrong, what to do now, the manual's code, and whom to call. */
export function ProblemNote({ problem }: { problem: Problem | undefined }) {
  const { t } = useTranslation('errors');
  if (!problem || problem.code === 'cancelled') return null;
  const { code, legacyCode } = problem;
  const seconds = problem.body.retryAfterSeconds;
  return (
    <Notice kind="error" title={t(`codes.${code}`)}>
      {seconds !== undefined && <p>{t('wait', { seconds })}</p>}
      {legacyCode !== undefined && <p>{t('legacyCode', { code: legacyCode })}</p>}
      {Object.hasOwn(HELPFUL, code) && <HelpfulPages names={HELPFUL[code]!} />}
      <details>
        <summary>{t('common:hotlines')}</summary>
        <Hotlines />
      </details>
    </Notice>
  );
}
