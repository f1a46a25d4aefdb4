import type { PivCard } from '#libs/piv';
import type { CardReading } from '../card-facts.js';
import type { Permission } from '../readers/allow-list.js';

/** What a page is for: two by the centre's job, three by the holder alone. */
export const PIN_KINDS = ['set-pin', 'reset-pin', 'change-pin', 'sign', 'check-pin'] as const;
export type PinKind = (typeof PIN_KINDS)[number];

/**
 * waiting: the form is open · working: the card is at it · removed: the card went away, the form is open again ·
 * done · and the ends at which the form is closed: refused (the card took neither PIN; begin again), last-try (one try is
 * left, so nothing was sent), locked, send-in (the centre's PUK is not the card's) · expired.
 */
export const PIN_STATES = [
  'waiting',
  'working',
  'removed',
  'done',
  'refused',
  'last-try',
  'locked',
  'send-in',
  'expired',
] as const;
export type PinState = (typeof PIN_STATES)[number];
export type Outcome = Extract<PinState, 'done' | 'refused' | 'last-try' | 'locked' | 'send-in'>;

/** What the holder typed; which of them there are, the kind says. */
export interface Typed {
  oldPin: string;
  newPin: string;
}

/** What a session knows of the card beside its outcome, also when the card was pulled in the middle. */
export interface Progress {
  pinTries?: number;
  /** A CHANGE may have reached the card, by an earlier job or by this one: its PIN may be the holder's already. */
  maybeChanged: boolean;
  signature?: Buffer;
}

/** What is to be done with the card once the holder has typed. Holds the job's secrets. */
export interface PinTask {
  readonly permission: Permission;
  /**
   * @throws CaError cardRemoved and others of the card, after which it may be run again; pinRefused when the PIN was
   *                 wrong and may be typed again
   */
  run(card: PivCard, typed: Typed, progress: Progress): Promise<Outcome>;
}

/** One page for one PIN. Lives in memory alone. */
export interface PinSession {
  readonly id: string;
  readonly kind: PinKind;
  /** The page that opened it, and alone may ask how far it is */
  readonly origin: string;
  readonly reader: string;
  readonly reading: CardReading;
  /** Of a reset: one before it came to no end, and the centre makes no third online. */
  readonly lastOnline?: boolean;
  readonly progress: Progress;
  readonly expiresAtMs: number;
  /** Gone once the form is closed, and the job's secrets with it. */
  task: PinTask | undefined;
  state: PinState;
  /** The form that is being worked on: the same one sent again waits for it, and nothing is done twice. */
  running?: Promise<void>;
}

/** Reads the tries, using none up; says where to stop. */
export async function noteTries(card: PivCard, progress: Progress): Promise<Outcome | undefined> {
  progress.pinTries = await card.pinTries();
  if (progress.pinTries === 0) return 'locked';
  return progress.pinTries === 1 ? 'last-try' : undefined;
}

/** One VERIFY. The caller has looked at the tries. */
export async function takes(card: PivCard, progress: Progress, pin: string): Promise<boolean> {
  const result = await card.verifyPin(pin);
  if (!result.ok) progress.pinTries = result.triesLeft;
  return result.ok;
}
