import { type CardJobOf, pinResetMessage, type PivCard, unlockedMessage } from '#libs/piv';
import { CaError } from '#libs/errors';
import { mustBeSameCard, type ProofSession } from '../card.service.js';
import { replaceGivenPin } from './given-pin.js';
import { type Outcome, type PinTask, takes } from './pin-session.js';

/** How far a job with PUKs is, as far as this agent's memory goes; a fresh job begins from nothing. */
export interface PukProgress {
  /** Sent without a good answer: wrong ones and lost ones */
  attempts: number;
  wrong: Set<string>;
  /** The PUK that the card took */
  served?: string;
  rotationSent: boolean;
  rotated: boolean;
}

export const noPukYet = (): PukProgress => ({ attempts: 0, wrong: new Set(), rotationSent: false, rotated: false });

type PukJob = CardJobOf<'reset-pin'> | CardJobOf<'unlock'>;
type Stop = Extract<Outcome, 'refused' | 'send-in'>;

/**
 * RESET RETRY COUNTER to the given PIN, then CHANGE of the PUK to the next one. A PUK is tried at most as often as the job
 * has PUKs, and never with one try left where the card tells it: PIN and PUK both blocked make some cards useless.
 *
 * @returns undefined when the card has this PIN and the next PUK
 */
export async function unblockAndRotate(
  card: PivCard,
  job: PukJob,
  pin: string,
  progress: PukProgress,
): Promise<Stop | undefined> {
  if (progress.served === undefined) {
    const stop = await unblock(card, job, pin, progress);
    if (stop) return stop;
  }
  return progress.rotated ? undefined : rotate(card, job, progress);
}

async function unblock(card: PivCard, { puks }: PukJob, pin: string, progress: PukProgress): Promise<Stop | undefined> {
  for (const puk of puks.filter((candidate) => !progress.wrong.has(candidate))) {
    if (progress.attempts >= puks.length) return 'refused';
    if (await hasLastTry(card)) return 'send-in';
    progress.attempts += 1; // before it is sent: its answer may be lost
    const result = await card.resetPin(puk, pin);
    if (result.ok) {
      progress.attempts -= 1;
      progress.served = puk;
      return undefined;
    }
    progress.wrong.add(puk);
    if (result.triesLeft <= 1) return 'send-in';
  }
  return 'send-in';
}

/** After a CHANGE whose answer was lost the card has the next PUK or the one before: the next is tried first. */
async function rotate(card: PivCard, { nextPuk }: PukJob, progress: PukProgress): Promise<Stop | undefined> {
  const served = progress.served!;
  const candidates = progress.rotationSent ? [nextPuk, served] : [served];
  for (const puk of served === nextPuk ? [] : candidates) {
    progress.rotationSent = true;
    const result = await card.changePuk(puk, nextPuk);
    if (result.ok) break;
    if (puk === served || result.triesLeft <= 1) return 'send-in';
  }
  progress.rotated = true;
  return undefined;
}

/** Told by some cards alone (F7); elsewhere a wrong PUK's answer tells it. */
async function hasLastTry(card: PivCard): Promise<boolean> {
  const left = (await card.metadata('puk'))?.tries?.left;
  return left !== undefined && left <= 1;
}

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
