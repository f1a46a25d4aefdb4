import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Hotlines } from '../../ui/hotlines.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { type Closed, signIn } from './session.js';

/** Before anybody has signed in, and after; what was wrong, if something was. */
export function Welcome({ why }: { why: Closed }) {
  const { t } = useTranslation('console');
  const [going, setGoing] = useState(false);
  const isWrong = why === 'refused' || why === 'failed' || why === 'no-provider';
  return (
    <Page title={t('title')} lead={t('login.lead')}>
      {why !== 'none' && (
        <Notice kind={isWrong ? 'error' : 'info'} title={t(`login.${why}`)}>
          {isWrong && <Hotlines />}
        </Notice>
      )}
      {why !== 'no-provider' && why !== 'handed-over' && (
        <div className="actions">
          <button
            type="button"
            className="primary"
            aria-disabled={going}
            onClick={() => {
              if (going) return;
              setGoing(true);
              void signIn().finally(() => setGoing(false));
            }}
          >
            {t('login.signIn')}
          </button>
        </div>
      )}
    </Page>
  );
}
