import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAgent } from '../../agent/use-agent.js';
import { answerOf } from '../../api/client.js';
import { asProblem } from '../../api/problem.js';
import { RULES } from '../../forms/fields.js';
import { useSending } from '../../forms/use-sending.js';
import { rocTime } from '../../ui/dates.js';
import { Notice } from '../../ui/notice.js';
import { ProblemNote } from '../../ui/problem-note.js';
import { useAnswer } from '../../ui/use-answer.js';
import { Working } from '../../ui/working.js';
import { api } from '../api.js';
import { ActForm } from '../parts/act-form.js';
import { Entry } from '../parts/entries.js';
import { GroundField } from '../parts/fields.js';
import { Reader } from './reader.js';
import { type AtReader, type Completion, completeUnlock, unlockAtReader } from './unlock-at-reader.js';
import { askUnlockState, type UnlockRequest } from './unlock-requests.js';

interface UnlockProps {
  number: string;
  onDone: () => void;
}

/** 解卡: one officer asks, another approves, then the card goes into the centre's reader. */
export function Unlock({ number, onDone }: UnlockProps) {
  const { t } = useTranslation('console');
  // Asked anew, what is shown stays: a card may be in the reader, and its signature is kept there alone.
  const { data, problem, refresh } = useAnswer(
    useCallback((signal: AbortSignal) => askUnlockState(number, signal), [number]),
  );
  const [told, setTold] = useState<string>();
  const done = () => {
    refresh();
    onDone();
  };
  const unlocked = () => {
    setTold(t('cards.unlocked'));
    done();
    document.getElementById('content')?.focus({ preventScroll: true }); // what was pressed is there no more
  };
  const ask = <AskUnlock number={number} onDone={done} />;
  return (
    <>
      {told !== undefined && <Notice kind="good" title={told} />}
      {problem && <ProblemNote problem={problem} />}
      {!data && !problem && <p className="loading">{t('common:loading')}</p>}
      {data?.open && (
        <Notice kind="info" title={t('cards.unlockOpen', { by: data.open.requestedBy })}>
          <button
            type="button"
            className="second"
            onClick={() => {
              setTold(undefined);
              refresh();
            }}
          >
            {t('refresh')}
          </button>
        </Notice>
      )}
      {data?.approved && (
        <>
          <AtTheReader key={data.approved.id} number={number} request={data.approved} onDone={unlocked} />
          <Entry summary={t('cards.unlockAgain')}>{() => ask}</Entry>
        </>
      )}
      {data && !data.approved && ask}
    </>
  );
}

function AtTheReader({ number, request, onDone }: UnlockProps & { request: UnlockRequest }) {
  const { t } = useTranslation('console');
  const { busy, problem, send, cancel } = useSending();
  const { status, look } = useAgent(!busy);
  const [end, setEnd] = useState<Exclude<AtReader['state'], 'done'>>();
  /** The card has done its part, and the centre has not been told. */
  const [untold, setUntold] = useState<Completion>();
  /** A job has left the centre: what came of it is not known here until the card has answered. */
  const [isBegun, setBegun] = useState(false);
  const atReader = async (signal: AbortSignal): Promise<Completion | undefined> => {
    const found = await unlockAtReader(number, request.id, signal, () => setBegun(true));
    if (found.state === 'done') return found.completion;
    setEnd(found.state);
    return undefined;
  };
  const unlock = () =>
    void send(async (signal) => {
      setEnd(undefined);
      const completion = untold ?? (await atReader(signal));
      if (!completion) return;
      setUntold(completion);
      await completeUnlock(completion, signal).catch((error: unknown) => {
        // Of no use any more: another unlocking of the card goes on, or this one was given up.
        if (asProblem(error).isFinal) setUntold(undefined);
        throw error;
      });
      setUntold(undefined);
      setBegun(false);
      onDone();
    });
  return (
    <>
      <p>{t('cards.unlockReady', { by: request.decidedBy, until: rocTime(request.usableUntil!) })}</p>
      <p>{t('cards.unlockHow')}</p>
      <Reader status={status} look={look} />
      {end && <Notice kind="warning" title={t(`cards.unlockEnds.${end}`)} />}
      {untold && problem && <Notice kind="warning" title={t('cards.unlockUntold')} />}
      {isBegun && !busy && !end && !untold && <Notice kind="warning" title={t('cards.unlockMaybe')} />}
      <ProblemNote problem={problem} />
      {busy && <Working waitsFor={t('cards.unlockWaitsFor')} onCancel={cancel} />}
      <div className="actions">
        <button type="button" className="primary" aria-disabled={busy} onClick={unlock}>
          {t(untold ? 'cards.unlockTell' : 'cards.unlockNow')}
        </button>
      </div>
    </>
  );
}

function AskUnlock({ number, onDone }: UnlockProps) {
  const { t } = useTranslation('console');
  return (
    <ActForm<{ ground: string }>
      label={t('cards.unlock')}
      button={t('cards.unlockButton')}
      defaults={{ ground: '' }}
      rules={() => ({ ground: RULES.words })}
      fields={(form) => (
        <>
          <p>{t('cards.unlockLead')}</p>
          <GroundField form={form} />
        </>
      )}
      confirm={({ ground }) => ({ title: t('cards.unlockAsk', { number }), text: <blockquote>{ground}</blockquote> })}
      send={(body, signal) =>
        answerOf(api.POST('/api/v1/cards/{n}/unlock-requests', { params: { path: { n: number } }, body, signal }))
      }
      done={t('cards.unlockDone')}
      onDone={onDone}
    />
  );
}
