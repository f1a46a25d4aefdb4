import { useTranslation } from 'react-i18next';
import { PairingForm, VirtualReader } from '../../agent/agent-panel.js';
import { type AgentStatus, VIRTUAL_READER } from '../../agent/agent.js';
import { Notice } from '../../ui/notice.js';

/** The centre's own reader. A locked card is what it is for. */
export function Reader({ status, look }: { status: AgentStatus | undefined; look: () => void }) {
  const { t } = useTranslation('agent');
  const state = status?.state;
  const isThere = state === 'ready' || state === 'locked';
  const isPlain = state === undefined || state === 'no-card' || state === 'locked';
  const kind = state === 'ready' ? 'good' : isPlain ? 'info' : 'warning';
  return (
    <section aria-label={t('title')} className="agent" data-agent-state={state ?? 'looking'}>
      <Notice kind={kind} title={t(`states.${state ?? 'looking'}`)}>
        {state && !isThere && <p>{t(`todo.${state}`)}</p>}
        {state === 'pairing-needed' && <PairingForm onPaired={look} />}
      </Notice>
      {status?.readers?.some(({ name }) => name === VIRTUAL_READER) && <VirtualReader look={look} />}
    </section>
  );
}
