import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { useCaller } from '../login/use-session.js';
import { type Door, DOORS, letsIn } from '../../../../src/console-doors.js';

/** A page for whom its door lets in; to everybody else, who that is. */
export function Allowed({ door, title, children }: { door: Door; title: string; children: ReactNode }) {
  const { t } = useTranslation('console');
  const { roles } = useCaller();
  if (letsIn(door, roles)) return children;
  const names = (list: readonly string[]) => list.map((role) => t(`roles.${role}`)).join('、');
  return (
    <Page title={title}>
      <Notice kind="warning" title={t('notAllowed')}>
        <p>{t('notAllowedWho', { mine: names(roles), theirs: names(DOORS[door]) })}</p>
      </Notice>
    </Page>
  );
}
