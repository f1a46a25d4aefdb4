import { useTranslation } from 'react-i18next';
import { Notice } from '../../ui/notice.js';
import { Tiles } from '../../ui/links.js';
import { Page } from '../../ui/page.js';

export function Apply() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.apply')} lead={t('lead')}>
      <Tiles area="apply" pages={['applyForm', 'applyOther', 'applyPrint', 'applyProgress', 'applyCorrect']} />
      <h2>{t('flow')}</h2>
      <ol>
        {(['fill', 'print', 'stamp', 'review', 'receive', 'activate'] as const).map((name) => (
          <li key={name}>{t(`flowSteps.${name}`)}</li>
        ))}
      </ol>
    </Page>
  );
}

/** 非 IC 卡. */
export function ApplyOther() {
  const { t } = useTranslation('apply');
  return (
    <Page title={t('common:pages.applyOther')}>
      <Notice kind="info" title={t('otherTitle')}>
        <p>{t('otherText')}</p>
      </Notice>
    </Page>
  );
}
