import i18next from 'i18next';
import { useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { PAGES } from '../../../../src/page-paths.js';
import {
  type CardFacts,
  openPinSession,
  type PageSession,
  type PageState,
  prove,
  readCard,
} from '../../agent/agent.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { AgentWindow, endOf } from '../../agent/agent-window.js';
import { LockReported, reportLock } from '../../agent/lock-report.js';
import { useAgent } from '../../agent/use-agent.js';
import { answerOf, api } from '../../api/client.js';
import { asProblem } from '../../api/problem.js';
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
/** Refusals of a card whose PIN nobody can set online: when it is blocked, it comes to the centre. */
const TO_THE_CENTRE = ['cardNotAccepted', 'cardNeedsCentre'];

/** 忘記 PIN 碼 and 鎖卡解碼, of activated cards: card, user code and perhaps a one-time code, then the agent's page. */
function PinReset({ page }: { page: 'pinForgotten' | 'unlock' }) {
  const { t } = useTranslation(['codes', 'activate']);
  const { busy, problem, send, cancel } = useSending();
  const [phase, setPhase] = useState<'code' | 'mailed' | 'ready' | 'done'>('code');
  const [end, setEnd] = useState<PageState['state']>();
  const [pinPage, setPinPage] = useState<string>();
  const [isLast, setIsLast] = useState(false);
  const [lockReported, setLockReported] = useState(false);
  const { status, look } = useAgent(phase !== 'done' && !busy);
  const mailed = useRef(false);
  const opened = useRef<{ id: string; card: CardFacts; page: PageSession }>(undefined);
  const rules: Rules =
    phase === 'mailed' ? { userCode: RULES.userCode, oneTimeCode: RULES.oneTimeCode } : { userCode: RULES.userCode };
  const form = useForm<Typed>({
    defaultValues: NOTHING,
    resolver: (typed, ...rest) => resolverOf<Typed>(() => rules)(typed, ...rest),
  });

  const release = async (typed: Typed) => {
    setEnd(undefined);
    setLockReported(false);
    const found = await send(async (signal) => {
      const card = await readCard(signal);
      const { id, nonce } = await answerOf(
        api.POST('/api/v1/pin-resets', { body: { cardNumber: card.cardNumber }, signal }),
      );
      const proof = await prove({ session: id, nonce, purpose: 'pin-reset', card }, signal);
      const body = { proof, userCode: typed.userCode, ...(phase === 'mailed' && { emailCode: typed.oneTimeCode }) };
      const released = await answerOf(
        api.POST('/api/v1/pin-resets/{id}/release', { params: { path: { id } }, body: body as never, signal }),
      ).catch(async (error: unknown) => {
        const isLocked = card.pinTries === 0 && TO_THE_CENTRE.includes(asProblem(error).code);
        if (isLocked) setLockReported(await reportLock(card, signal));
        throw error;
      });
      setIsLast(released.lastOnline);
      if (released.state === 'code-sent') {
        mailed.current = true;
        return setPhase('mailed');
      }
      // Counted by now, whatever becomes of it: should it come to no end, the next one is the last.
      setIsLast(true);
      const order = { session: id, nonce: released.nonce, job: released.job };
      opened.current = { id, card, page: await openPinSession(order, signal) };
      emptySecrets(form, ['userCode', 'oneTimeCode']);
      setPhase('ready');
    });
    if (!found) return;
    showProblem(form, found, { rules, secrets: ['userCode', 'oneTimeCode'], refused: 'userCode' });
    if (found.code === 'oneTimeCodeRefused') form.setFocus('oneTimeCode');
  };
  /** The code that was mailed serves until a PIN was set with it, or its time is over. */
  const beginAnew = () => setPhase(mailed.current ? 'mailed' : 'code');
  const setPin = () => {
    const agentWindow = new AgentWindow();
    let isSigned = false;
    void send(async (signal) => {
      try {
        const { id, card, page } = opened.current!;
        setPinPage(page.url);
        agentWindow.show(page, i18next.language);
        const last = await endOf(page, signal);
        setEnd(last.state);
        if (last.state === 'send-in') setLockReported(await reportLock(card, signal));
        if (last.state !== 'done' || last.signature === undefined) return beginAnew();
        isSigned = true;
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
      // What the card has signed stays with the agent: the same press sends it again.
      if (found && (isSigned ? found.isFinal : !['cancelled', 'offline'].includes(found.code))) beginAnew();
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
        {isLast && (phase === 'code' || phase === 'mailed') && (
          <Notice kind="warning" title={t('lastOnline')}>
            <p>{t('lastOnlineHow')}</p>
          </Notice>
        )}
        {phase === 'ready' && (
          <Notice kind="good" title={t('released')}>
            <p>{t('releasedNext')}</p>
          </Notice>
        )}
        {end && <Notice kind={end === 'done' ? 'good' : 'warning'} title={t(`pinEnds.${end}`)} />}
        <ProblemNote problem={problem} />
        {lockReported && <LockReported />}
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
            {phase === 'mailed' && (
              <button type="button" className="second" disabled={busy} onClick={() => setPhase('code')}>
                {t('sendCodeAgain')}
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
