import type { z } from 'zod';
import { toWholeSeconds } from '#libs/clock';
import type { ErrorCode } from '#libs/errors';
import { HOLDERS, reasonCode, type Holder, type Listing } from '#libs/events';
import { utcSeconds } from './utc.js';

/** Shown status, strongest first (DOMAIN.md §2). */
export const STATUSES = ['revoked', 'expired', 'suspended', 'valid', 'pending'] as const;
export type CardStatus = (typeof STATUSES)[number];

export const revocationReason = reasonCode.exclude(['certificateHold']);
export type RevocationReason = z.output<typeof revocationReason>;

export interface Revocation {
  readonly reason: RevocationReason;
  /** keyCompromise: since when the key was in wrong hands, if that is known. */
  readonly compromisedAt?: Date;
}

/** What is stored of a card; its status is derived. Both its certificates share it. */
export interface CardState {
  readonly notAfter: Date;
  readonly acceptedAt: Date | null;
  /** Standing holds, and since when each stands. */
  readonly holds: Readonly<Partial<Record<Holder, Date>>>;
  /** Who has lifted a hold of theirs before: repeating it is no error. */
  readonly lifted: readonly Holder[];
  readonly revoked: (Revocation & { readonly at: Date }) | null;
  /** Start of the current uninterrupted non-good period; null exactly when no hold stands and it is not revoked. */
  readonly notGoodSince: Date | null;
}

export type Command =
  | { name: 'accept' | 'suspend' | 'resume' }
  | { name: 'hold' | 'release'; holder: Exclude<Holder, 'subscriber'> }
  | ({ name: 'revoke' } & Revocation);
export type CommandName = Command['name'];

/** `already`: the card is where the command would bring it, so the first answer is given again. */
export type Refusal = Extract<ErrorCode, 'cardExpired' | 'cardHeld' | 'cardNotSuspended' | 'cardRevoked'>;
export type Outcome = CardState | 'already' | Refusal;

type Effect = (state: CardState, command: Command, at: Date) => Outcome;

const hold: Effect = (state, command, at) => {
  const holder = holderOf(command)!;
  if (state.holds[holder]) return 'already';
  return { ...state, holds: { ...state.holds, [holder]: at }, notGoodSince: state.notGoodSince ?? at };
};

const lift: Effect = (state, command) => {
  const holder = holderOf(command)!;
  if (!state.holds[holder]) return state.lifted.includes(holder) ? 'already' : 'cardNotSuspended';
  const { [holder]: _lifted, ...holds } = state.holds;
  const lifted = HOLDERS.filter((one) => one === holder || state.lifted.includes(one));
  return { ...state, holds, lifted, notGoodSince: Object.keys(holds).length > 0 ? state.notGoodSince : null };
};

const revoke: Effect = (state, command, at) => {
  if (command.name !== 'revoke') throw new TypeError('revoke alone revokes');
  const { reason, compromisedAt } = command;
  const revoked = { reason, at, ...(compromisedAt && { compromisedAt }) };
  return { ...state, revoked, notGoodSince: state.notGoodSince ?? at };
};

const accept: Effect = (state, _command, at) => ({ ...state, acceptedAt: at });

const CLOSED = { revoked: 'cardRevoked', expired: 'cardExpired' } as const;
const HOLD = { ...CLOSED, suspended: hold, valid: hold, pending: hold };
const LIFT = { ...CLOSED, suspended: lift, valid: lift, pending: lift };

/** What a command does to a card, by the card's status (DOMAIN.md §2). Each holder lifts its own hold only. */
const TRANSITIONS: Record<CommandName, Record<CardStatus, Effect | 'already' | Refusal>> = {
  accept: { ...CLOSED, suspended: 'cardHeld', valid: 'already', pending: accept },
  suspend: HOLD, // certificateHold (6), RFC 5280 §5.3.1
  resume: LIFT,
  hold: HOLD,
  release: LIFT,
  revoke: { revoked: 'already', expired: 'cardExpired', suspended: revoke, valid: revoke, pending: revoke }, // final
};

/** @param at the log's time: it becomes the time of the change, and it decides whether the card has expired */
export function transition(state: CardState, command: Command, at: Date): Outcome {
  const step = TRANSITIONS[command.name][statusOf(state, at)];
  return typeof step === 'string' ? step : step(state, command, at);
}

/** A certificate is valid through the whole last second (RFC 5280 §4.1.2.5: the period includes notAfter). */
export function statusOf(state: CardState, at: Date): CardStatus {
  if (state.revoked) return 'revoked';
  if (toWholeSeconds(at) > state.notAfter) return 'expired';
  if (standingHolds(state).length > 0) return 'suspended';
  return state.acceptedAt ? 'valid' : 'pending';
}

/** In the order of `HOLDERS`. */
export function standingHolds(state: CardState): Holder[] {
  return HOLDERS.filter((holder) => state.holds[holder]);
}

/**
 * The card's entry on the revocation list. Its date is the start of the uninterrupted non-good period, so a hold that
 * became a revocation keeps the hold's date (DOMAIN.md §3), and a known time of compromise is its invalidityDate
 * (RFC 5280 §5.3.2); fractions are cut off, never rounded.
 */
export function listingOf(state: CardState): Listing | null {
  const { notGoodSince, revoked } = state;
  if (!notGoodSince) return null;
  return {
    reason: revoked?.reason ?? 'certificateHold',
    since: utcSeconds(notGoodSince),
    ...(revoked?.compromisedAt && { invalidityDate: utcSeconds(revoked.compromisedAt) }),
  };
}

/** Whose hold a command is about; null for those that are about no hold. */
export function holderOf(command: Command): Holder | null {
  if ('holder' in command) return command.holder;
  return command.name === 'suspend' || command.name === 'resume' ? 'subscriber' : null;
}
