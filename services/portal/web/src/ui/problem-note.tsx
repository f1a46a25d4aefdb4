import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../src/page-paths.js';
import type { Problem } from '../api/problem.js';
import { Hotlines } from './hotlines.js';
import { Notice } from './notice.js';

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
      {code === 'cardBlocked' && (
        <p>
          <Link to={PAGES.unlock}>{t('common:pages.unlock')}</Link> ·{' '}
          <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
        </p>
      )}
      {code === 'cardRevoked' && (
        <p>
          <Link to={PAGES.apply}>{t('common:pages.apply')}</Link>
        </p>
      )}
      {code === 'cardNeedsCentre' && (
        <p>
          <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
        </p>
      )}
      <details>
        <summary>{t('common:hotlines')}</summary>
        <Hotlines />
      </details>
    </Notice>
  );
}
