import type { Holder, ReasonCode } from '#libs/events';

/** What a subscriber is told by e-mail: the fact, and nothing personal or secret. Times are RFC 3339. */
export type NoticeContent =
  /** Of an application; why is told to whoever has its user code. */
  | { kind: 'application-returned'; at: string }
  | { kind: 'application-rejected'; at: string }
  | { kind: 'certificate-issued'; notAfter: string; way: 'A' | 'B' }
  | { kind: 'card-activated'; at: string }
  | { kind: 'certificate-suspended'; at: string; holder: Holder }
  /** `holds`: what still stands in the way. */
  | { kind: 'certificate-resumed'; at: string; holds: Holder[]; accepted: boolean }
  | { kind: 'certificate-revoked'; at: string; reason: ReasonCode }
  | { kind: 'user-code-changed'; at: string }
  | { kind: 'acceptance-due'; dueAt: string; daysLeft: number }
  | { kind: 'expiry-due'; notAfter: string; daysLeft: number }
  /** A card that was sent in: it came, and it went back. */
  | { kind: 'card-return-received'; at: string }
  | { kind: 'card-sent-back'; at: string; outcome: 'unlocked' | 'found-sound'; registeredMail: string }
  /** The code itself travels sealed, beside this. */
  | { kind: 'one-time-code'; expiresAt: string; purpose: 'user-code-reset' | 'pin-reset' };
export type NoticeKind = NoticeContent['kind'];

export const NOTICE_STATES = ['due', 'sent', 'not-sent', 'no-address', 'refused', 'expired'] as const;
export type NoticeState = (typeof NOTICE_STATES)[number];
