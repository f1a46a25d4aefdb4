import i18next from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { agentStatus, type CheckItem, openPinCheck, type PageState, selfCheck } from '../../agent/agent.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { AgentWindow, endOf } from '../../agent/agent-window.js';
import { useAgent } from '../../agent/use-agent.js';
import { useSending } from '../../forms/use-sending.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Working } from '../../ui/working.js';

type Result = CheckItem['result'];
const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
const MARKS: Record<Result, string> = { pass: '√', fail: '✗', skipped: '–', 'on-the-agents-page': '○' };
/** What an activation needs. */
const NEEDED = 5;

/** The ten items of DOMAIN.md §6; the page sees itself whether the first two pass. */
export function SelfCheck() {
  const { t } = useTranslation(['help', 'agent']);
  const { busy, problem, send, cancel } = useSending();
  const [results, setResults] = useState<Partial<Record<number, Result>>>();
  const [hint, setHint] = useState<string>();
  const [pinEnd, setPinEnd] = useState<PageState['state']>();
  const { status, look } = useAgent(!busy);

  const check = () =>
    void send(async (signal) => {
      setHint(undefined);
      setPinEnd(undefined);
      const { state } = await agentStatus(signal);
      const failed = state === 'agent-missing' || state === 'agent-outdated' || state === 'permission-denied' ? 1 : 2;
      if (
        ['agent-missing', 'agent-outdated', 'permission-denied', 'origin-refused', 'pairing-needed'].includes(state)
      ) {
        setResults(
          Object.fromEntries(NUMBERS.map((n) => [n, n < failed ? 'pass' : n === failed ? 'fail' : 'skipped'])),
        );
        setHint(t(`agent:todo.${state}`));
        return;
      }
      const { items } = await selfCheck(signal);
      setResults(Object.fromEntries(items.map(({ number, result }) => [number, result])));
      const wrong = items.find(({ result }) => result === 'fail')?.hint;
      setHint(wrong && (i18next.language === 'en' ? wrong.en : wrong.zh));
    });
  const checkPin = () => {
    const agentWindow = new AgentWindow();
    void send(async (signal) => {
      try {
        const page = await openPinCheck(signal);
        agentWindow.show(page, i18next.language);
        const { state } = await endOf(page, signal);
        setPinEnd(state);
        const last: Result = state === 'done' ? 'pass' : 'fail';
        setResults((before) => ({ ...before, 9: last, 10: last }));
      } catch (error) {
        agentWindow.close();
        throw error;
      }
    });
  };
  const canActivate = results && NUMBERS.filter((n) => n <= NEEDED).every((n) => results[n] === 'pass');
  return (
    <Page title={t('common:pages.selfCheck')} lead={t('check.lead')}>
      <AgentPanel status={status} look={look} />
      <p className="actions">
        <button type="button" className="primary" disabled={busy} onClick={check}>
          {t('check.start')}
        </button>
      </p>
      {busy && <Working waitsFor={t('check.waitsFor')} onCancel={cancel} />}
      <ProblemNote problem={problem} />
      <ol className="checks">
        {NUMBERS.map((n) => {
          const result = results?.[n];
          return (
            <li key={n} className={result}>
              <span className="mark" aria-hidden="true">
                {result ? MARKS[result] : ''}
              </span>
              <span>
                {t(`check.items.${n}`)}
                {result && <span className="visually-hidden"> {t(`check.results.${result}`)}</span>}
                {result === 'fail' && hint && <small>{hint}</small>}
              </span>
            </li>
          );
        })}
      </ol>
      <div role="status">
        {results && (
          <Notice
            kind={canActivate ? 'good' : 'warning'}
            title={t(canActivate ? 'check.canActivate' : 'check.cannotActivate')}
          />
        )}
      </div>
      {results?.[8] === 'pass' && (
        <>
          <h2>{t('check.pinTitle')}</h2>
          <p>{t('check.pinText')}</p>
          {pinEnd && pinEnd !== 'done' && <Notice kind="warning" title={t('check.pinFailed')} />}
          <button type="button" className="second" disabled={busy} onClick={checkPin}>
            {t('check.pinStart')}
          </button>
        </>
      )}
    </Page>
  );
}
