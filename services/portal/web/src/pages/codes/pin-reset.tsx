import i18next from 'i18next';
import { useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import { type CardFacts, openPinSession, type PageState, prove, readCard } from '../../agent/agent.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { AgentWindow, endOf } from '../../agent/agent-window.js';
import { useAgent } from '../../agent/use-agent.js';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { SecretField } from '../../forms/field.js';
import { resolverOf, type Rules, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Steps } from '../../ui/steps.js';
import { Working } from '../../ui/working.js';

export const PinForgotten = () => <PinReset page="pinForgotten" />;
export const Unlock = () => <PinReset page="unlock" />;

interface Typed {
  userCode: string;
  oneTimeCode: string;
}
const NOTHING: Typed = { userCode: '', oneTimeCode: '' };

/** 忘記 PIN 碼 and 鎖卡解碼, of activated cards: card, user code and perhaps a one-time code, then the agent's page. */
function PinReset({ page }: { page: 'pinForgotten' | 'unlock' }) {
  const { t } = useTranslation(['codes', 'activate']);
  const { busy, problem, send, cancel } = useSending();
  const [phase, setPhase] = useState<'code' | 'mailed' | 'ready' | 'done'>('code');
  const [end, setEnd] = useState<PageState['state']>();
  const [pinPage, setPinPage] = useState<string>();
  const { status, look } = useAgent(phase !== 'done' && !busy);
  const opened = useRef<{ id: string; page: { id: string; url: string } }>(undefined);
  const rules: Rules =
    phase === 'mailed' ? { userCode: RULES.userCode, oneTimeCode: RULES.oneTimeCode } : { userCode: RULES.userCode };
  const form = useForm<Typed>({
    defaultValues: NOTHING,
    resolver: (typed, ...rest) => resolverOf<Typed>(() => rules)(typed, ...rest),
  });

  const release = async (typed: Typed) => {
    setEnd(undefined);
    const found = await send(async (signal) => {
      const card: CardFacts = await readCard(signal);
      const { id, nonce } = await answerOf(
        api.POST('/api/v1/pin-resets', { body: { cardNumber: card.cardNumber }, signal }),
      );
      const proof = await prove({ session: id, nonce, purpose: 'pin-reset', card }, signal);
      const body = { proof, userCode: typed.userCode, ...(phase === 'mailed' && { emailCode: typed.oneTimeCode }) };
      const released = await answerOf(
        api.POST('/api/v1/pin-resets/{id}/release', { params: { path: { id } }, body: body as never, signal }),
      );
      if (released.state === 'code-sent') return setPhase('mailed');
      opened.current = {
        id,
        page: await openPinSession({ session: id, nonce: released.nonce, job: released.job }, signal),
      };
      emptySecrets(form, ['userCode', 'oneTimeCode']);
      setPhase('ready');
    });
    if (!found) return;
    showProblem(form, found, { rules, secrets: ['userCode', 'oneTimeCode'], refused: 'userCode' });
    if (found.code === 'oneTimeCodeRefused') form.setFocus('oneTimeCode');
  };
  const setPin = () => {
    const agentWindow = new AgentWindow();
    void send(async (signal) => {
      try {
        const { id, page } = opened.current!;
        setPinPage(page.url);
        agentWindow.show(page, i18next.language);
        const last = await endOf(page, signal);
        setEnd(last.state);
        if (last.state !== 'done' || last.signature === undefined) return setPhase('code');
        await answerOf(
          api.POST('/api/v1/pin-resets/{id}/completion', {
            params: { path: { id } },
            body: { signature: last.signature },
            signal,
          }),
        );
        setPhase('done');
      } catch (error) {
        agentWindow.close();
        throw error;
      } finally {
        setPinPage(undefined);
      }
    }).then((found) => {
      if (found && !['cancelled', 'offline'].includes(found.code)) setPhase('code');
    });
  };
  return (
    <Page title={t(`common:pages.${page}`)} lead={t(`${page}Lead`)}>
      <Steps
        names={[t('steps.prove'), t('steps.newPin'), t('steps.done')]}
        current={{ code: 0, mailed: 0, ready: 1, done: 3 }[phase]}
      />
      {phase !== 'done' && <AgentPanel status={status} look={look} />}
      <form onSubmit={(event) => void form.handleSubmit(release)(event)}>
        {(phase === 'code' || phase === 'mailed') && (
          <>
            {phase === 'mailed' && (
              <Notice kind="good" title={t('codeSent')}>
                <p>{t('codeSentPin')}</p>
              </Notice>
            )}
            <SecretField form={form} name="userCode" label={t('userCode')} hint={t('userCodeHint')} maxLength={10} />
            {phase === 'mailed' && (
              <SecretField form={form} name="oneTimeCode" label={t('oneTimeCode')} inputMode="numeric" maxLength={8} />
            )}
          </>
        )}
        {phase === 'ready' && (
          <Notice kind="good" title={t('released')}>
            <p>{t('releasedNext')}</p>
          </Notice>
        )}
        {end && <Notice kind={end === 'done' ? 'good' : 'warning'} title={t(`pinEnds.${end}`)} />}
        <ProblemNote problem={problem} />
        {busy && (
          <Working key={phase} waitsFor={t(phase === 'ready' ? 'waitsFor.pin' : 'waitsFor.card')} onCancel={cancel} />
        )}
        {pinPage && (
          <p>
            <a href={pinPage} target="_blank" rel="noreferrer">
              {t('activate:openPinPage')}
            </a>
          </p>
        )}
        {phase !== 'done' && (
          <div className="actions">
            {phase === 'ready' ? (
              <button type="button" className="primary" disabled={busy} onClick={setPin}>
                {t('activate:setPin')}
              </button>
            ) : (
              <button type="submit" className="primary" disabled={busy}>
                {t('next')}
              </button>
            )}
          </div>
        )}
      </form>
      <h2>{t('notActivated')}</h2>
      <p>{t('notActivatedHow')}</p>
      <p>
        <Link to={PAGES.sentIn}>{t('common:pages.sentIn')}</Link>
      </p>
    </Page>
  );
}
