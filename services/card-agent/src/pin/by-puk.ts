import { type CardJobOf, pinResetMessage, type PinResult, type PivCard, unlockedMessage } from '#libs/piv';
import { CaError } from '#libs/errors';
import { mustBeSameCard, type ProofSession } from '../card.service.js';
import { unlessSent } from '../readers/not-sent.js';
import { replaceGivenPin } from './given-pin.js';
import { type Outcome, type PinTask, takes } from './pin-session.js';

/** How far a job with PUKs is, as far as this agent's memory goes; a fresh job begins from nothing. */
export interface PukProgress {
  /**
   * A PUK was sent and no answer came: the card may have counted it, or have another PUK by now. To ask it costs a try
   * that the centre does not reckon with (one a job), so nothing more is sent: a new job begins with the likelier PUK.
   */
  unanswered: boolean;
  wrong: Set<string>;
  /** The PUK that the card took */
  served?: string;
  rotated: boolean;
}

export const noPukYet = (): PukProgress => ({ unanswered: false, wrong: new Set(), rotated: false });

type PukJob = CardJobOf<'reset-pin'> | CardJobOf<'unlock'>;
type Stop = Extract<Outcome, 'refused' | 'send-in'>;

/**
 * RESET RETRY COUNTER to the given PIN, then CHANGE of the PUK to the next one. Each PUK of the job is sent once, so a job
 * costs one try at most, also when its page is submitted again.
 *
 * @returns undefined when the card has this PIN and the next PUK; refused: only a new job can go on
 */
export async function unblockAndRotate(
  card: PivCard,
  job: PukJob,
  pin: string,
  progress: PukProgress,
): Promise<Stop | undefined> {
  if (progress.unanswered) return 'refused';
  if (progress.served === undefined) {
    const stop = await unblock(card, job, pin, progress);
    if (stop) return stop;
  }
  return progress.rotated ? undefined : rotate(card, job, progress);
}

async function unblock(card: PivCard, job: PukJob, pin: string, progress: PukProgress): Promise<Stop | undefined> {
  for (const puk of job.puks.filter((candidate) => !progress.wrong.has(candidate))) {
    if (!mayTry(job, await triesTold(card))) return 'send-in';
    const result = await send(progress, () => card.resetPin(puk, pin));
    if (result.ok) {
      progress.served = puk;
      return undefined;
    }
    progress.wrong.add(puk);
    if (result.triesLeft <= 1) return 'send-in';
  }
  return 'send-in';
}

async function rotate(card: PivCard, { nextPuk }: PukJob, progress: PukProgress): Promise<Stop | undefined> {
  const served = progress.served!;
  if (served !== nextPuk) {
    const result = await send(progress, () => card.changePuk(served, nextPuk));
    if (!result.ok) return 'send-in';
  }
  progress.rotated = true;
  return undefined;
}

async function send(progress: PukProgress, command: () => Promise<PinResult>): Promise<PinResult> {
  progress.unanswered = true; // before it is sent: its answer may be lost
  const result = await unlessSent(command, () => (progress.unanswered = false));
  progress.unanswered = false;
  return result;
}

/**
 * Never the last try where the card tells it: PIN and PUK both blocked make some cards useless. But at the centre, with the
 * one PUK of which the centre is certain: somebody has typed wrong ones elsewhere, and the card is lost without it anyway.
 */
function mayTry({ kind, puks }: PukJob, left: number | undefined): boolean {
  if (left === 1) return kind === 'unlock' && puks.length === 1;
  return left !== 0;
}

/** By some cards alone (F7); elsewhere a wrong PUK's answer tells it. */
const triesTold = async (card: PivCard) => (await card.metadata('puk'))?.tries?.left;

/** 忘記 PIN 碼, 鎖卡解碼: PUK → one-use PIN → the holder's, then 9C signs (CARDS §3). */
export function resetPinTask(job: CardJobOf<'reset-pin'>, proof: ProofSession, nonce: Buffer): PinTask {
  const puk = noPukYet();
  return {
    permission: 'job',
    async run(card, { newPin }, progress) {
      await mustBeSameCard(card, proof.reading);
      progress.pinTries = await card.pinTries();
      const stop =
        (await unblockAndRotate(card, job, job.oneUsePin, puk)) ??
        (await replaceGivenPin(card, progress, job.oneUsePin, newPin));
      if (stop) return stop === 'locked' ? 'refused' : stop;
      const message = pinResetMessage(proof.session, nonce, proof.signature);
      progress.signature = await card.sign('9C', message, proof.reading.signatureCertificate);
      return 'done';
    },
  };
}

/** 解卡 at the centre: PUK → the next transport PIN, read back by VERIFY, then 9E signs. Nobody types anything. */
export async function unlock(
  card: PivCard,
  job: CardJobOf<'unlock'>,
  proof: ProofSession,
  nonce: Buffer,
): Promise<{ state: Extract<Outcome, 'done' | 'refused' | 'send-in'>; signature?: Buffer }> {
  await mustBeSameCard(card, proof.reading);
  const stop = await unblockAndRotate(card, job, job.transportPin, noPukYet());
  if (stop) return { state: stop };
  if (!(await takes(card, { maybeChanged: false }, job.transportPin))) {
    throw new CaError('cardCommunication', 'the card does not take the transport PIN it was just given');
  }
  const message = unlockedMessage(proof.session, nonce, proof.signature);
  return { state: 'done', signature: await card.sign('9E', message, proof.reading.cardCertificate) };
}
