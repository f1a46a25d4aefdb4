import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { rocTime } from '../../ui/dates.js';
import { Facts } from '../../ui/facts.js';
import { Page } from '../../ui/page.js';
import { ApplicationLookUp, askProgress, type Progress } from './application-look-up.js';

/** 申請進度查詢. */
export function ApplyProgress() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.applyProgress')} lead={t('progressLead')}>
      <ApplicationLookUp button={t('find')} ask={askProgress}>
        {(progress) => <Found progress={progress} />}
      </ApplicationLookUp>
    </Page>
  );
}

function Found({ progress: { card, ...progress } }: { progress: Progress }) {
  const { t } = useTranslation('apply');
  return (
    <section className="card" role="status">
      <Facts
        rows={[
          [t('caseNumber'), <span className="mono">{progress.caseNumber}</span>],
          [t('state'), t(`states.${progress.state}`)],
          [t('receivedAt'), rocTime(progress.receivedAt)],
          ...(progress.decidedAt ? [[t('decidedAt'), rocTime(progress.decidedAt)] as const] : []),
          ...(progress.reason ? [[t('reason'), progress.reason] as const] : []),
          ...(card ? [[t('cardNumber'), <span className="mono">{card.cardNumber}</span>] as const] : []),
          ...(card ? [[t('cardState'), t(`cardStates.${card.state}`)] as const] : []),
          ...(card?.registeredMail ? [[t('registeredMail'), card.registeredMail] as const] : []),
        ]}
      />
      {progress.state === 'returned' && (
        <p>
          <Link to={PAGES.applyCorrect}>{t('common:pages.applyCorrect')}</Link>
        </p>
      )}
      {(progress.state === 'received' || progress.state === 'returned') && (
        <p>
          <Link to={PAGES.applyPrint}>{t('common:pages.applyPrint')}</Link>
        </p>
      )}
      {card && (
        <p>
          <Link to={PAGES.activateSelf}>{t('common:pages.activate')}</Link>
        </p>
      )}
    </section>
  );
}
