import { randomBytes, verify, X509Certificate } from 'node:crypto';
import { CaError } from '#libs/errors';
import { lengthPrefixed, type PivCard } from '#libs/piv';
import { mustBeSameCard } from '../card.service.js';
import type { CardReading } from '../card-facts.js';
import { unlessSent } from '../readers/not-sent.js';
import { noteTries, type Outcome, type PinTask, type Progress, takes } from './pin-session.js';

/** The octets that 9C signs for a page: never a hash that the page chose, and good for this origin alone. */
export function agentSignatureMessage(origin: string, nonce: Uint8Array): Buffer {
  return lengthPrefixed(['kaika/agent-signature/v1', origin, nonce]);
}

/** 變更 PIN 碼: the holder knows the old one; the agent alone does it. */
export function changePinTask(reading: CardReading): PinTask {
  return {
    permission: 'pin',
    async run(card, { oldPin, newPin }, progress) {
      await mustBeSameCard(card, reading);
      const stop = await noteTries(card, progress);
      if (stop) return stop;
      // The answer to a CHANGE was lost: the new PIN may be on the card already.
      if (progress.maybeChanged && (await takes(card, progress, newPin))) return 'done';
      const stopNow = progress.maybeChanged ? await noteTries(card, progress) : undefined;
      if (stopNow) return stopNow;
      const maybeBefore = progress.maybeChanged;
      progress.maybeChanged = true; // before it is sent: its answer may be lost
      const result = await unlessSent(
        () => card.changePin(oldPin, newPin),
        () => (progress.maybeChanged = maybeBefore),
      );
      if (result.ok) return 'done';
      progress.maybeChanged = false;
      return wrong(progress, result.triesLeft);
    },
  };
}

/** A signature by 9C over a nonce, for the page that asked. */
export function signTask(reading: CardReading, origin: string, nonce: Buffer): PinTask {
  return withPin(reading, async (card, progress) => {
    progress.signature = await card.sign('9C', agentSignatureMessage(origin, nonce), reading.signatureCertificate);
  });
}

/** Items 9 and 10 of the self-check: the PIN is verified, and 9C signs something that nobody gets. */
export function checkTask(reading: CardReading): PinTask {
  return withPin(reading, async (card) => {
    const message = lengthPrefixed(['kaika/self-check/v1', randomBytes(32)]);
    const signature = await card.sign('9C', message, reading.signatureCertificate);
    const { publicKey } = new X509Certificate(reading.signatureCertificate);
    if (!verify('sha256', message, publicKey, signature)) {
      throw new CaError('cardCommunication', 'the card’s test signature does not verify');
    }
  });
}

function withPin(reading: CardReading, then: (card: PivCard, progress: Progress) => Promise<void>): PinTask {
  return {
    permission: 'pin',
    async run(card, { oldPin }, progress) {
      await mustBeSameCard(card, reading);
      const stop = await noteTries(card, progress);
      if (stop) return stop;
      if (!(await takes(card, progress, oldPin))) return wrong(progress, progress.pinTries ?? 0);
      await then(card, progress);
      progress.pinTries = undefined;
      return 'done';
    },
  };
}

/** @throws CaError pinRefused while the PIN may be typed again */
function wrong(progress: Progress, triesLeft: number): Outcome {
  progress.pinTries = triesLeft;
  if (triesLeft === 0) return 'locked';
  if (triesLeft === 1) return 'last-try';
  throw new CaError('pinRefused', 'the card refused the PIN', { triesLeft });
}
