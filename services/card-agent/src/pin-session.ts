import { CaError } from '#libs/errors';
import { activatedMessage, type CardJobOf, type PivCard } from '#libs/piv';
import { mustBeSameCard, type ProofSession } from './card.service.js';

/**
 * waiting: the form is open · working: the card is at it · removed: the card went away, the form is open again ·
 * done · and three ends at which the form is closed: refused (neither the PIN just typed nor the transport PIN is on
 * the card), last-try (one try is left, so nothing was sent), locked (27011) · expired.
 */
export const PIN_STATES = [
  'waiting',
  'working',
  'removed',
  'done',
  'refused',
  'last-try',
  'locked',
  'expired',
] as const;
export type PinState = (typeof PIN_STATES)[number];

/** One page for one PIN. Lives in memory alone, and holds the transport PIN until the form is closed. */
export interface PinSession {
  readonly id: string;
  readonly proof: ProofSession;
  readonly nonce: Buffer;
  readonly expiresAtMs: number;
  /** Gone once the form is closed. */
  job: CardJobOf<'set-pin'> | undefined;
  state: PinState;
  /** A CHANGE may have reached the card, by an earlier job or by this one: its PIN may be the holder's already. */
  maybeChanged: boolean;
  pinTries?: number;
  signature?: Buffer;
}

type Outcome = Extract<PinState, 'done' | 'refused' | 'last-try' | 'locked'>;

/**
 * Replaces the transport PIN by the holder's and lets 9C sign the activation (CARDS §3, steps 4 and 5, and its table
 * of what to do after a loss). Each wrong PIN costs the card a try, so: never with one try left, and at most one
 * VERIFY and one CHANGE.
 *
 * @throws CaError cardRemoved and others of the card; the session then knows whether a CHANGE was sent
 */
export async function setPin(
  card: PivCard,
  session: PinSession,
  job: CardJobOf<'set-pin'>,
  newPin: string,
): Promise<Outcome> {
  const { proof } = session;
  await mustBeSameCard(card, proof.reading);
  const stop = await noteTries(card, session);
  if (stop) return stop;

  if (!(session.maybeChanged && (await takes(card, session, newPin)))) {
    const stopNow = session.maybeChanged ? await noteTries(card, session) : undefined;
    if (stopNow) return stopNow;
    const refused = await change(card, session, job, newPin);
    if (refused) return refused;
    if (!(await takes(card, session, newPin))) {
      throw new CaError('cardCommunication', 'the card does not take the PIN it was just given');
    }
  }
  const message = activatedMessage(proof.session, session.nonce, proof.signature);
  session.signature = await card.sign('9C', message, proof.reading.signatureCertificate);
  return 'done';
}

/** Reads the tries, using none up; says where to stop. */
async function noteTries(card: PivCard, session: PinSession): Promise<Outcome | undefined> {
  session.pinTries = await card.pinTries();
  if (session.pinTries === 0) return 'locked';
  return session.pinTries === 1 ? 'last-try' : undefined;
}

async function takes(card: PivCard, session: PinSession, pin: string): Promise<boolean> {
  const result = await card.verifyPin(pin);
  if (!result.ok) session.pinTries = result.triesLeft;
  return result.ok;
}

async function change(
  card: PivCard,
  session: PinSession,
  job: CardJobOf<'set-pin'>,
  newPin: string,
): Promise<Outcome | undefined> {
  const couldBeTheHolders = session.maybeChanged;
  session.maybeChanged = true; // before it is sent: its answer may be lost
  const result = await card.changePin(job.transportPin, newPin);
  if (result.ok) return undefined;
  session.pinTries = result.triesLeft;
  // The right transport PIN on a card that never had another: somebody used the card before its activation.
  return couldBeTheHolders && result.triesLeft > 0 ? 'refused' : 'locked';
}
