import { endOfDay } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { LockedCard } from '../card.js';
import { standingHolds, statusOf, type Command } from '../card-status.js';

const DAY_MS = 86_400_000;

/** What happens to a card that nobody accepts in time (DOMAIN.md §2). */
export const DEADLINE_ACTIONS = ['none', 'hold', 'revoke'] as const;
export type DeadlineAction = (typeof DEADLINE_ACTIONS)[number];

export class DeadlineSettings {
  constructor(
    /** From the certificates' notBefore. A change concerns cards that are issued after it. */
    readonly days: number,
    readonly action: DeadlineAction,
  ) {}
}

/** The last whole second of the time for acceptance: the end of a Taipei day, as people count days. */
export function acceptBy(notBefore: Date, days: number): Date {
  return endOfDay(new Date(notBefore.getTime() + days * DAY_MS));
}

/** Days before the deadline on which the holder is reminded; a short time has no early reminder. */
export function reminders({ days }: DeadlineSettings): number[] {
  return [7, 30].filter((before) => before < days);
}

/** At least 1: the day of the deadline itself counts. */
export function daysLeft(dueAt: Date, at: Date): number {
  return Math.max(1, Math.ceil((dueAt.getTime() - at.getTime()) / DAY_MS));
}

/** Whether the deadline has its effect on this card now. It comes once: a card it holds stays held until it is extended. */
export function isOverdue({ state, acceptBy, readAt }: LockedCard): boolean {
  if (!acceptBy || state.acceptedAt || readAt <= acceptBy) return false;
  const status = statusOf(state, readAt);
  return status !== 'revoked' && status !== 'expired' && !standingHolds(state).includes('deadline');
}

export const EFFECT = {
  hold: { name: 'hold', holder: 'deadline' },
  revoke: { name: 'revoke', reason: 'privilegeWithdrawn' },
} as const satisfies Record<Exclude<DeadlineAction, 'none'>, Command>;

/** @throws CaError invalidRequest: the new deadline is over, is no later than the present one, or later than the card */
export function checkExtension({ identity, acceptBy, readAt }: LockedCard, until: Date): void {
  const problem =
    until <= readAt
      ? 'is over'
      : acceptBy && until < acceptBy
        ? 'is before the present deadline'
        : until > identity.notAfter
          ? 'is after the certificates expire'
          : undefined;
  if (!problem) return;
  throw new CaError('invalidRequest', `until ${problem}`, { errors: [{ at: '/until', problem }] });
}
