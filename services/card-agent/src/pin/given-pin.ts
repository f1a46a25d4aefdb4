import { CaError } from '#libs/errors';
import { activatedMessage, type CardJobOf, type PivCard } from '#libs/piv';
import { mustBeSameCard, type ProofSession } from '../card.service.js';
import { unlessSent } from '../readers/not-sent.js';
import { noteTries, type Outcome, type PinTask, type Progress, takes } from './pin-session.js';

/**
 * Puts the holder's PIN in the place of the one the centre gave the card, and leaves it verified, so that 9C signs next.
 * Each wrong PIN costs the card a try, so: never with one try left, and at most one VERIFY and one CHANGE (CARDS §3).
 *
 * @returns undefined when the card has the holder's PIN
 * @throws CaError cardRemoved and others of the card; `progress` then knows whether a CHANGE was sent
 */
export async function replaceGivenPin(
  card: PivCard,
  progress: Progress,
  given: string,
  holders: string,
): Promise<Outcome | undefined> {
  const stop = await noteTries(card, progress);
  if (stop) return stop;
  if (progress.maybeChanged) {
    if (await takes(card, progress, holders)) return undefined;
    const stopNow = await noteTries(card, progress);
    if (stopNow) return stopNow;
  }
  const couldBeTheHolders = progress.maybeChanged;
  progress.maybeChanged = true; // before it is sent: its answer may be lost
  const result = await unlessSent(
    () => card.changePin(given, holders),
    () => (progress.maybeChanged = couldBeTheHolders),
  );
  if (!result.ok) {
    progress.pinTries = result.triesLeft;
    // The right PIN of the centre on a card that never had another: somebody else has used this card.
    return couldBeTheHolders && result.triesLeft > 0 ? 'refused' : 'locked';
  }
  if (!(await takes(card, progress, holders))) {
    throw new CaError('cardCommunication', 'the card does not take the PIN it was just given');
  }
  return undefined;
}

/** 設定 IC 卡 PIN 碼: replaces the transport PIN and lets 9C sign the activation (CARDS §3, steps 4 and 5). */
export function setPinTask(job: CardJobOf<'set-pin'>, proof: ProofSession, nonce: Buffer): PinTask {
  return {
    permission: 'pin',
    async run(card, { newPin }, progress) {
      await mustBeSameCard(card, proof.reading);
      const stop = await replaceGivenPin(card, progress, job.transportPin, newPin);
      if (stop) return stop;
      const message = activatedMessage(proof.session, nonce, proof.signature);
      progress.signature = await card.sign('9C', message, proof.reading.signatureCertificate);
      return 'done';
    },
  };
}
