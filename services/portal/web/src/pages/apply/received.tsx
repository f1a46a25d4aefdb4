import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import type { Typed } from './application.js';
import { Summary } from './application-steps.js';
import { type FormFile, SaveForm } from './save-form.js';

export interface ReceivedProps extends FormFile {
  what: 'received' | 'corrected';
  typed: Typed;
}

/** The case number, what was sent, and the form to print, stamp and send in. */
export function Received({ what, caseNumber, typed, file }: ReceivedProps) {
  const { t } = useTranslation('apply');
  return (
    <Page title={t(`${what}Title`)}>
      <Notice kind="good" title={t(what, { caseNumber })}>
        <p>{t(`${what}Next`)}</p>
      </Notice>
      <div className="actions">
        <SaveForm caseNumber={caseNumber} file={file} />
        <Link className="button second" to={PAGES.applyProgress}>
          {t('common:pages.applyProgress')}
        </Link>
      </div>
      <p className="mono typed">{caseNumber}</p>
      <Summary typed={typed} />
    </Page>
  );
}
