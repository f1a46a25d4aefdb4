import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Ask } from '../../ui/ask.js';
import type { Again } from './session.js';

/** The token has expired in the middle of something: the provider's page opens beside this one, which stays as it is. */
export function SignInAgain({ again }: { again: Again }) {
  const { t } = useTranslation('console');
  const [blocked, setBlocked] = useState(false);
  return (
    <Ask
      title={t('login.expired')}
      yes={t('login.signIn')}
      no={t('login.notNow')}
      onYes={() => setBlocked(window.open(again.address, '_blank', 'popup,width=560,height=720') === null)}
      onNo={again.giveUp}
    >
      <p>{t('login.expiredLead')}</p>
      {blocked && <p role="alert">{t('login.blocked')}</p>}
    </Ask>
  );
}
