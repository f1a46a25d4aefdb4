import i18next from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { openPinChange, type PageState } from '../../agent/agent.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { AgentWindow, endOf } from '../../agent/agent-window.js';
import { useAgent } from '../../agent/use-agent.js';
import { useSending } from '../../forms/use-sending.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Working } from '../../ui/working.js';

/** 變更 PIN 碼: a matter between the holder and the card; nothing of it reaches a server. */
export function PinChange() {
  const { t } = useTranslation(['codes', 'activate']);
  const { busy, problem, send, cancel } = useSending();
  const [end, setEnd] = useState<PageState['state']>();
  const [page, setPage] = useState<string>();
  const { status, look } = useAgent(!busy);
  const change = () => {
    const agentWindow = new AgentWindow();
    setEnd(undefined);
    void send(async (signal) => {
      try {
        const opened = await openPinChange(signal);
        setPage(opened.url);
        agentWindow.show(opened, i18next.language);
        setEnd((await endOf(opened, signal)).state);
      } catch (error) {
        agentWindow.close();
        throw error;
      } finally {
        setPage(undefined);
      }
    });
  };
  return (
    <Page title={t('common:pages.pinChange')} lead={t('pinChangeLead')}>
      <AgentPanel status={status} look={look} />
      {end && <Notice kind={end === 'done' ? 'good' : 'warning'} title={t(`pinEnds.${end}`)} />}
      <ProblemNote problem={problem} />
      {busy && <Working waitsFor={t('waitsFor.pin')} onCancel={cancel} />}
      {page && (
        <p>
          <a href={page} target="_blank" rel="noreferrer">
            {t('activate:openPinPage')}
          </a>
        </p>
      )}
      <div className="actions">
        <button type="button" className="primary" disabled={busy} onClick={change}>
          {t('common:pages.pinChange')}
        </button>
        <Link className="button second" to={PAGES.pinForgotten}>
          {t('common:pages.pinForgotten')}
        </Link>
      </div>
    </Page>
  );
}
