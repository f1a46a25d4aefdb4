import { useEffect, useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { AgentPanel } from '../../agent/agent-panel.js';
import { LockReported } from '../../agent/lock-report.js';
import { useAgent } from '../../agent/use-agent.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { resolverOf } from '../../forms/fields.js';
import { Ask } from '../../ui/ask.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Steps } from '../../ui/steps.js';
import { Working } from '../../ui/working.js';
import {
  type Intent,
  isUnusual,
  NOTHING_TYPED,
  personOf,
  rulesOf,
  SECRETS,
  together,
  type Typed,
  witnessOf,
} from './activation-form.js';
import { CardTable } from './card-table.js';
import { Done, Refused } from './endings.js';
import { PersonFields, ResumeFields, SettingsFields, WrongDataFields } from './person-fields.js';
import { type Phase, useActivation, type Way } from './use-activation.js';

export const ActivateSelf = () => <Activation way="A" />;
export const ActivateCombined = () => <Activation way="B" />;

const STEP: Record<Phase, number> = { start: 0, read: 1, accepted: 2, resume: 2, done: 4, refused: 1 };

function Activation({ way }: { way: Way }) {
  const { t } = useTranslation('activate');
  const activation = useActivation(way);
  const { phase, card, busy, problem, waiting, pinEnd, pinPage, lockReported } = activation;
  const { status, look } = useAgent(phase !== 'done' && phase !== 'refused' && !busy);
  const intent = useRef<Intent>('accept');
  const [isWrong, setIsWrong] = useState(false);
  const [unusual, setUnusual] = useState<Typed>();
  const form = useForm<Typed>({
    defaultValues: NOTHING_TYPED,
    resolver: (typed, ...rest) =>
      resolverOf<Typed>(() => rulesOf(way, intent.current), together(way, intent.current))(typed, ...rest),
  });
  const pinButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (phase === 'accepted' && !busy) pinButton.current?.focus();
  }, [phase, busy]);

  const perform = async (typed: Typed, confirmed: boolean) => {
    const found =
      intent.current === 'refuse'
        ? await activation.refuse(witnessOf(way, typed), typed.whatIsWrong, confirmed)
        : intent.current === 'resume'
          ? await activation.setPin(typed.userCode)
          : await activation.accept(personOf(way, typed), confirmed);
    if (found?.code === 'nationalIdUnusual') return setUnusual(typed);
    if (!found) return emptySecrets(form, SECRETS);
    const refused = way === 'A' || intent.current === 'resume' ? 'userCode' : 'nationalId';
    showProblem(form, found, { rules: rulesOf(way, intent.current), secrets: SECRETS, refused });
  };
  const submit = (wanted: Intent) => {
    intent.current = wanted;
    void form.handleSubmit((typed) =>
      wanted !== 'resume' && isUnusual(way, typed) ? setUnusual(typed) : perform(typed, false),
    )();
  };
  const startOver = () => {
    form.reset(NOTHING_TYPED);
    setIsWrong(false);
    activation.startOver();
  };

  if (phase === 'done') return <Done way={way} />;
  if (phase === 'refused') return <Refused />;
  const canAccept = phase === 'read' && !isWrong;
  return (
    <Page title={t(way === 'A' ? 'wayA' : 'wayB')} lead={t(way === 'A' ? 'wayALead' : 'wayBLead')}>
      <Steps
        names={(['read', 'accept', 'pin', 'end'] as const).map((name) => t(`steps.${name}`))}
        current={STEP[phase]}
      />
      {(phase === 'start' || phase === 'read') && <p className="notice-title">{t('insertCard')}</p>}
      <AgentPanel status={status} look={look} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (phase === 'start') void activation.read();
          else if (phase === 'read') submit(isWrong ? 'refuse' : 'accept');
          else if (phase === 'resume') submit('resume');
          else void activation.setPin();
        }}
      >
        {(phase === 'start' || phase === 'read') && <PersonFields form={form} way={way} />}
        <CardTable card={card} />
        {phase === 'read' && <p>{t('lookAtIt')}</p>}
        {canAccept && way === 'B' && <SettingsFields form={form} />}
        {phase === 'read' && isWrong && <WrongDataFields form={form} />}
        {phase === 'accepted' && (
          <Notice kind="good" title={t('accepted')}>
            <p>{t('acceptedNext')}</p>
            <p>{t('pinHint')}</p>
          </Notice>
        )}
        {phase === 'resume' && <ResumeFields form={form} />}
        {pinEnd && <Notice kind="warning" title={t(`pinEnds.${pinEnd}`)} />}
        <ProblemNote problem={problem} />
        {lockReported && <LockReported />}
        {busy && <Working key={waiting} waitsFor={t(`waitsFor.${waiting}`)} onCancel={activation.cancel} />}
        {busy && pinPage && (
          <p>
            <a href={pinPage} target="_blank" rel="noreferrer">
              {t('openPinPage')}
            </a>
          </p>
        )}
        <div className="actions">
          <button
            type="button"
            className={phase === 'start' ? 'primary' : 'second'}
            disabled={busy || !(phase === 'start' || phase === 'read')}
            onClick={() => void activation.read()}
          >
            {t('read')}
          </button>
          <button
            type="button"
            className={canAccept ? 'primary' : 'second'}
            disabled={busy || !canAccept}
            onClick={() => submit('accept')}
          >
            {t('accept')}
          </button>
          <button
            ref={pinButton}
            type="button"
            className={phase === 'accepted' || phase === 'resume' ? 'primary' : 'second'}
            disabled={busy || !(phase === 'accepted' || phase === 'resume')}
            onClick={() => (phase === 'resume' ? submit('resume') : void activation.setPin())}
          >
            {t('setPin')}
          </button>
          <button type="button" className="second" onClick={startOver}>
            {t('startOver')}
          </button>
        </div>
        {phase === 'read' && (
          <div className="actions">
            {isWrong && (
              <button type="button" className="primary" disabled={busy} onClick={() => submit('refuse')}>
                {t('sendWrong')}
              </button>
            )}
            <button
              type="button"
              className="second"
              disabled={busy}
              aria-expanded={isWrong}
              onClick={() => setIsWrong(!isWrong)}
            >
              {t(isWrong ? 'notWrong' : 'wrongData')}
            </button>
            {!isWrong && (
              <button type="button" className="second" disabled={busy} onClick={activation.resumeLater}>
                {t('resumeLater')}
              </button>
            )}
          </div>
        )}
      </form>
      {unusual && (
        <Ask
          title={t('unusualTitle')}
          yes={t('yes')}
          no={t('no')}
          onYes={() => {
            setUnusual(undefined);
            void perform(unusual, true);
          }}
          onNo={() => {
            setUnusual(undefined);
            form.setFocus('nationalId');
          }}
        >
          <p className="typed">{t('unusualTyped', { typed: unusual.nationalId })}</p>
          <p>{t('unusualAsk')}</p>
        </Ask>
      )}
    </Page>
  );
}
