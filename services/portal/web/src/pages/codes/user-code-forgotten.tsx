import { useRef, useState } from 'react';
import { useForm } from 'react-hook-form';
import { useTranslation } from 'react-i18next';
import { prove, readCard } from '../../agent/agent.js';
import { AgentPanel } from '../../agent/agent-panel.js';
import { useAgent } from '../../agent/use-agent.js';
import { answerOf, api } from '../../api/client.js';
import { emptySecrets, showProblem } from '../../forms/field-errors.js';
import { SecretField } from '../../forms/field.js';
import { resolverOf, RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { Hotlines } from '../../ui/hotlines.js';
import { Notice } from '../../ui/notice.js';
import { Page } from '../../ui/page.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { Steps } from '../../ui/steps.js';
import { Working } from '../../ui/working.js';
import { twice } from './twice.js';

const FIELDS = { oneTimeCode: RULES.oneTimeCode, newUserCode: RULES.newUserCode, newUserCodeAgain: RULES.newUserCode };
const NOTHING = { oneTimeCode: '', newUserCode: '', newUserCodeAgain: '' };
const SECRETS = Object.keys(NOTHING);

/** 忘記用戶代碼: the card proves that it is here, a one-time code goes to the contact's e-mail, a new code is set. */
export function UserCodeForgotten() {
  const { t } = useTranslation('codes');
  const { busy, problem, send, cancel } = useSending();
  const [phase, setPhase] = useState<'card' | 'code' | 'done'>('card');
  const { status, look } = useAgent(phase === 'card' && !busy);
  const request = useRef('');
  const form = useForm({ defaultValues: NOTHING, resolver: resolverOf<typeof NOTHING>(() => FIELDS, twice) });

  const mail = () =>
    void send(async (signal) => {
      const card = await readCard(signal);
      const { id, nonce } = await answerOf(
        api.POST('/api/v1/user-codes', { body: { cardNumber: card.cardNumber }, signal }),
      );
      const proof = await prove({ session: id, nonce, purpose: 'user-code-reset', card }, signal);
      await answerOf(
        api.POST('/api/v1/user-codes/{id}/proof', { params: { path: { id } }, body: { proof } as never, signal }),
      );
      request.current = id;
      setPhase('code');
    });
  const complete = async (body: typeof NOTHING) => {
    const found = await send(async (signal) => {
      await answerOf(
        api.POST('/api/v1/user-codes/{id}/completion', { params: { path: { id: request.current } }, body, signal }),
      );
      setPhase('done');
    });
    if (found) showProblem(form, found, { rules: FIELDS, secrets: ['oneTimeCode'], refused: 'oneTimeCode' });
    else emptySecrets(form, SECRETS);
    if (found?.code === 'oneTimeCodeRefused') form.setFocus('oneTimeCode');
  };
  return (
    <Page title={t('common:pages.userCodeForgotten')} lead={t('forgottenLead')}>
      <Steps
        names={[t('steps.proveCard'), t('steps.newCode'), t('steps.done')]}
        current={{ card: 0, code: 1, done: 3 }[phase]}
      />
      {phase === 'card' && (
        <>
          <AgentPanel status={status} look={look} />
          <ProblemNote problem={problem} />
          {busy && <Working waitsFor={t('waitsFor.card')} onCancel={cancel} />}
          <div className="actions">
            <button type="button" className="primary" disabled={busy} onClick={mail}>
              {t('sendCode')}
            </button>
          </div>
        </>
      )}
      {phase === 'code' && (
        <form onSubmit={(event) => void form.handleSubmit(complete)(event)}>
          <Notice kind="good" title={t('codeSent')}>
            <p>{t('codeSentNext')}</p>
          </Notice>
          <SecretField form={form} name="oneTimeCode" label={t('oneTimeCode')} inputMode="numeric" maxLength={8} />
          <SecretField
            form={form}
            name="newUserCode"
            label={t('newUserCode')}
            hint={t('userCodeHint')}
            maxLength={10}
          />
          <SecretField form={form} name="newUserCodeAgain" label={t('newUserCodeAgain')} maxLength={10} />
          <ProblemNote problem={problem} />
          {busy && <Working waitsFor={t('waitsFor.centre')} onCancel={cancel} />}
          <div className="actions">
            <button type="submit" className="primary" disabled={busy}>
              {t('setUserCode')}
            </button>
            <button type="button" className="second" disabled={busy} onClick={() => setPhase('card')}>
              {t('sendCodeAgain')}
            </button>
          </div>
        </form>
      )}
      {phase === 'done' && <Notice kind="good" title={t('changed')} />}
      <h2>{t('noEmail')}</h2>
      <p>{t('noEmailHow')}</p>
      <Hotlines />
    </Page>
  );
}
