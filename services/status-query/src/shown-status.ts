import { toWholeSeconds } from '#libs/clock';
import type { ReasonCode } from '#libs/events';

/** As people see it; the first that is true (DOMAIN.md §2). */
export const SHOWN_STATUSES = ['revoked', 'expired', 'suspended', 'valid', 'pending'] as const;
export type ShownStatus = (typeof SHOWN_STATUSES)[number];

export interface StatusFacts {
  acceptedAt: Date | null;
  /** Somebody's hold stands. */
  held: boolean;
  /** Reason of the entry on the list; null: on no list. */
  listedReason: ReasonCode | null;
  notAfter: Date;
}

/** Valid through the whole last second (RFC 5280 §4.1.2.5: the period includes notAfter). */
export function shownStatus({ acceptedAt, held, listedReason, notAfter }: StatusFacts, now: Date): ShownStatus {
  if (listedReason !== null && listedReason !== 'certificateHold') return 'revoked';
  if (toWholeSeconds(now) > notAfter) return 'expired';
  if (held) return 'suspended';
  return acceptedAt ? 'valid' : 'pending';
}
