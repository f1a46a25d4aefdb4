import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Barcode } from '../../ui/barcode.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import type { Typed } from './application.js';
import { Summary } from './application-steps.js';

/** The case number, and the form to print, stamp and send: it never has the user code. */
export function Received({ caseNumber, typed }: { caseNumber: string; typed: Typed }) {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('paperTitle')}>
      <Notice kind="good" title={t('received', { caseNumber })}>
        <p className="no-print">{t('receivedNext')}</p>
      </Notice>
      <Barcode text={caseNumber} />
      <p className="mono typed">{caseNumber}</p>
      <Summary typed={typed} />
      <section className="stamps">
        <div>{t('stampCompany')}</div>
        <div>{t('stampPerson')}</div>
      </section>
      <p>{t('declaration')}</p>
      <p className="actions no-print">
        <button type="button" className="primary" onClick={() => window.print()}>
          {t('print')}
        </button>
        <Link className="button second" to={PAGES.applyProgress}>
          {t('common:pages.applyProgress')}
        </Link>
      </p>
    </Page>
  );
}
