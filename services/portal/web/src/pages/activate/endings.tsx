import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { Steps } from '../../ui/steps.js';
import type { Way } from './use-activation.js';

export function Done({ way }: { way: Way }) {
  const { t } = useTranslation('activate');
  return (
    <Page title={t(way === 'A' ? 'wayA' : 'wayB')}>
      <Steps names={(['read', 'accept', 'pin', 'end'] as const).map((name) => t(`steps.${name}`))} current={4} />
      <Notice kind="good" title={t('done')}>
        <p>{t('doneNext')}</p>
      </Notice>
      <p>
        <Link className="button" to={PAGES.services}>
          {t('common:pages.services')}
        </Link>
      </p>
    </Page>
  );
}

export function Refused() {
  const { t } = useTranslation('activate');
  return (
    <Page title={t('wrongData')}>
      <Notice kind="good" title={t('refused')}>
        <p>{t('refusedNext')}</p>
      </Notice>
      <Hotlines />
    </Page>
  );
}
