import i18next from 'i18next';
import { useCallback, useRef, useState } from 'react';
import {
  type CardFacts,
  openPinSession,
  type PageSession,
  type PageState,
  prove,
  readCard,
} from '../../agent/agent.js';
import { AgentWindow, endOf } from '../../agent/agent-window.js';
import { reportLock } from '../../agent/lock-report.js';
import { answerOf, api } from '../../api/client.js';
import { asProblem } from '../../api/problem.js';
import { useSending } from '../../forms/use-sending.js';

export type Way = 'A' | 'B';
/** What the holder gives: the user code, or all of way B. */
export type Person =
  | { userCode: string }
  | { nationalId: string; birthDate: string; email: string; newUserCode: string; newUserCodeAgain: string };
export type Witness = { userCode: string } | { nationalId: string; birthDate: string };

/**
 * start: no card was read · read: its data are looked at · accepted: the PIN comes next · resume: accepted, but the way
 * to the PIN got lost and begins again with the user code · done · refused: the data are wrong, and the centre knows
 */
export type Phase = 'start' | 'read' | 'accepted' | 'resume' | 'done' | 'refused';

/** What is being waited for; the text says it when it takes long. */
export type Waiting = 'card' | 'acceptance' | 'pin' | 'completion' | 'refusal';

interface Opened {
  activation: string;
  page: PageSession;
}

/** An activation from "insert the card" to the second signature (docs/ACTIVATION.md), one step a press. */
export function useActivation(way: Way) {
  const { busy, problem, send, cancel, clear } = useSending();
  const [phase, setPhase] = useState<Phase>('start');
  const [waiting, setWaiting] = useState<Waiting>('card');
  const [card, setCard] = useState<CardFacts>();
  const [pinEnd, setPinEnd] = useState<PageState['state'] | 'window-blocked'>();
  const [pinPage, setPinPage] = useState<string>();
  const [lockReported, setLockReported] = useState(false);
  const opened = useRef<Opened>(undefined);
  const signed = useRef<{ activation: string; signature: string }>(undefined);

  /** 27011: who finds it tells the centre, and goes on saying it. */
  const noteBlocked = async (error: unknown, signal: AbortSignal): Promise<never> => {
    if (asProblem(error).code === 'cardBlocked') setLockReported(await reportLock(card!, signal));
    throw error;
  };

  const read = () => {
    setWaiting('card');
    setLockReported(false);
    return send(async (signal) => {
      setCard(await readCard(signal));
      setPhase('read');
    });
  };

  /** The centre's job is good for a minute, the agent's page for ten: so it is opened at once, and shown upon a press. */
  const accept = (person: Person, confirmed: boolean) => {
    setWaiting('acceptance');
    return send(async (signal) => {
      const { id, nonce } = await answerOf(
        api.POST('/api/v1/activations', { body: { cardNumber: card!.cardNumber, way }, signal }),
      );
      const order = { session: id, nonce, purpose: 'accept', card: card! } as const;
      const proof = await prove(order, signal).catch((error: unknown) => noteBlocked(error, signal));
      const accepted = await answerOf(
        api.POST('/api/v1/activations/{id}/acceptance', {
          params: { path: { id } },
          body: { proof, ...person, ...triesOf(card), ...(confirmed && { confirmed }) } as never,
          signal,
        }),
      );
      setPhase('accepted');
      opened.current = await openPage(id, accepted, signal);
    });
  };

  /** Shows the agent's page that is open, or opens another with the user code, and goes on to the end. */
  const setPin = (userCode?: string) => {
    const agentWindow = new AgentWindow();
    setWaiting('pin');
    setPinEnd(undefined);
    return send(async (signal) => {
      try {
        if (!signed.current) {
          opened.current ??= await reopen(card!, way, userCode ?? '', signal).catch((error: unknown) =>
            noteBlocked(error, signal),
          );
          const { activation, page } = opened.current;
          if (agentWindow.isBlocked) setPinEnd('window-blocked');
          agentWindow.show(page, i18next.language);
          setPinPage(page.url);
          const end = await endOf(page, signal);
          if (end.state !== 'done' || end.signature === undefined) {
            opened.current = undefined;
            setPinEnd(end.state);
            setPhase('resume');
            if (end.state === 'locked') setLockReported(await reportLock(card!, signal));
            return;
          }
          signed.current = { activation, signature: end.signature };
        } else agentWindow.close();
        setPinEnd(undefined);
        setWaiting('completion');
        const { activation, signature } = signed.current;
        await answerOf(
          api.POST('/api/v1/activations/{id}/completion', {
            params: { path: { id: activation } },
            body: { signature },
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
      // The agent forgot its page, or the centre its session: what stands is the acceptance.
      if (found && found.code !== 'cancelled' && (!signed.current || found.isFinal)) {
        opened.current = undefined;
        signed.current = undefined;
        setPhase('resume');
      }
      return found;
    });
  };

  const refuse = (witness: Witness, whatIsWrong: string, confirmed: boolean) => {
    setWaiting('refusal');
    return send(async (signal) => {
      const { id, nonce } = await answerOf(
        api.POST('/api/v1/activations', { body: { cardNumber: card!.cardNumber, way }, signal }),
      );
      const proof = await prove({ session: id, nonce, purpose: 'accept', card: card! }, signal);
      await answerOf(
        api.POST('/api/v1/activations/{id}/refusal', {
          params: { path: { id } },
          body: { proof, ...witness, whatIsWrong, ...(confirmed && { confirmed }) } as never,
          signal,
        }),
      );
      setPhase('refused');
    });
  };

  const startOver = useCallback(() => {
    cancel();
    clear();
    opened.current = undefined;
    signed.current = undefined;
    setCard(undefined);
    setPinEnd(undefined);
    setLockReported(false);
    setPhase('start');
  }, [cancel, clear]);
  const resumeLater = () => setPhase('resume');

  return {
    ...{ phase, card, waiting, busy, problem, pinEnd, pinPage, lockReported },
    read,
    accept,
    setPin,
    refuse,
    startOver,
    cancel,
    resumeLater,
  };
}

const triesOf = (card: CardFacts | undefined) =>
  typeof card?.pinTries === 'number' ? { pinTries: card.pinTries } : {};

async function openPage(
  activation: string,
  { pinJob: job, nonce }: { pinJob: string; nonce: string },
  signal: AbortSignal,
): Promise<Opened> {
  return { activation, page: await openPinSession({ session: activation, nonce, job }, signal) };
}

/** Of a card that is accepted and has no PIN yet, or none since it was unlocked: a new proof and the user code for a new job. */
async function reopen(card: CardFacts, way: Way, userCode: string, signal: AbortSignal): Promise<Opened> {
  const { id, nonce } = await answerOf(
    api.POST('/api/v1/activations', { body: { cardNumber: card.cardNumber, way }, signal }),
  );
  const proof = await prove({ session: id, nonce, purpose: 'resume-session', card }, signal);
  const resumed = await answerOf(
    api.POST('/api/v1/activations/{id}/resumption', {
      params: { path: { id } },
      body: { proof, userCode, ...triesOf(card) } as never,
      signal,
    }),
  );
  return openPage(id, resumed, signal);
}
