import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { foldFullWidth } from '#libs/taiwan';
import { PAGES } from '../../../src/page-paths.js';
import { useSending } from '../forms/use-sending.js';
import { Notice } from '../ui/notice.js';
import { ProblemNote } from '../ui/problem-note.js';
import { type AgentStatus, beginPairing, confirmPairing, insertVirtualCard, VIRTUAL_READER } from './agent.js';

interface AgentPanelProps {
  status: AgentStatus | undefined;
  look: () => void;
}

/** The reader and its card, and what to do when something is not as it should be (CARDS.md §6). */
export function AgentPanel({ status, look }: AgentPanelProps) {
  const { t } = useTranslation('agent');
  const state = status?.state;
  const kind = state === undefined ? 'info' : state === 'ready' ? 'good' : state === 'no-card' ? 'info' : 'warning';
  return (
    <section aria-label={t('title')} className="agent" data-agent-state={state ?? 'looking'}>
      <Notice kind={kind} title={t(`states.${state ?? 'looking'}`)}>
        {state && state !== 'ready' && <p>{t(`todo.${state}`)}</p>}
        {(state === 'agent-missing' || state === 'agent-outdated') && (
          <p>
            <Link to={PAGES.downloads}>{t('common:pages.downloads')}</Link> ·{' '}
            <Link to={PAGES.selfCheck}>{t('common:pages.selfCheck')}</Link>
          </p>
        )}
        {state === 'locked' && (
          <p>
            <Link to={PAGES.unlock}>{t('common:pages.unlock')}</Link> ·{' '}
            <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
          </p>
        )}
        {state === 'pairing-needed' && <PairingForm onPaired={look} />}
      </Notice>
      {status?.readers?.some(({ name }) => name === VIRTUAL_READER) && <VirtualReader look={look} />}
    </section>
  );
}

export function PairingForm({ onPaired }: { onPaired: () => void }) {
  const { t } = useTranslation('agent');
  const { busy, problem, send } = useSending();
  const [id, setId] = useState<string>();
  const [code, setCode] = useState('');
  const begin = () => {
    const page = window.open('', 'kaika-agent-pairing');
    void send(async (signal) => {
      try {
        const begun = await beginPairing(signal);
        setId(begun.id);
        if (page) page.location.href = begun.url;
      } catch (error) {
        page?.close();
        throw error;
      }
    });
  };
  const confirm = (event: FormEvent) => {
    event.preventDefault();
    void send(async (signal) => {
      await confirmPairing(id!, foldFullWidth(code).trim(), signal);
      onPaired();
    });
  };
  return (
    <>
      <p>
        <button type="button" className="second" onClick={begin} disabled={busy}>
          {t('pair')}
        </button>
      </p>
      {id !== undefined && (
        <form onSubmit={confirm}>
          <div className="field">
            <label htmlFor="pairing-code">{t('pairingCode')}</label>
            <input
              id="pairing-code"
              inputMode="numeric"
              autoComplete="off"
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
          </div>
          <button type="submit" className="primary" disabled={busy}>
            {t('pairingConfirm')}
          </button>
        </form>
      )}
      <ProblemNote problem={problem} />
    </>
  );
}

/** There with virtual cards only: puts one of them into the reader. */
export function VirtualReader({ look }: { look: () => void }) {
  const { t } = useTranslation('agent');
  const { problem, busy, send } = useSending();
  const [cardNumber, setCardNumber] = useState('');
  const put = (card: string | null) =>
    void send(async (signal) => {
      await insertVirtualCard(card, signal);
      look();
    });
  return (
    <details className="virtual">
      <summary>{t('virtual')}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          put(foldFullWidth(cardNumber).replace(/\s/g, '').toUpperCase());
        }}
      >
        <div className="field">
          <label htmlFor="virtual-card">{t('virtualCard')}</label>
          <input
            id="virtual-card"
            autoComplete="off"
            spellCheck={false}
            value={cardNumber}
            onChange={(event) => setCardNumber(event.target.value)}
          />
        </div>
        <div className="actions">
          <button type="submit" className="second" disabled={busy || cardNumber === ''}>
            {t('insert')}
          </button>
          <button type="button" className="second" disabled={busy} onClick={() => put(null)}>
            {t('eject')}
          </button>
        </div>
      </form>
      <ProblemNote problem={problem} />
    </details>
  );
}
