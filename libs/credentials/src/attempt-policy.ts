/** What a user code, a representative's data or a one-time code is asked for. */
export type AttemptPurpose = 'accept' | 'suspend' | 'resume' | 'pin-reset' | 'user-code' | 'progress';

export interface AttemptPolicy {
  /** Failures that cost no delay. */
  readonly free: number;
  /** Delay after the first failure beyond those; each further one doubles it. */
  readonly firstDelaySeconds: number;
  readonly maxDelaySeconds: number;
  /** After this many failures only an officer opens the door again. Suspension must never have one (DESIGN.md §6). */
  readonly lockAfter?: number;
  /** Failures are forgotten when none has been added for this long; a lock is not. */
  readonly forgetAfterSeconds: number;
}

const DAY_SECONDS = 86_400;

/** One counter a card and purpose, and one a source over all cards, which grows faster and longer. */
export const ATTEMPT_POLICIES: Record<AttemptPurpose | 'source', AttemptPolicy> = {
  accept: { free: 3, firstDelaySeconds: 5, maxDelaySeconds: 900, forgetAfterSeconds: DAY_SECONDS },
  suspend: { free: 5, firstDelaySeconds: 5, maxDelaySeconds: 120, forgetAfterSeconds: DAY_SECONDS },
  resume: { free: 3, firstDelaySeconds: 5, maxDelaySeconds: 900, lockAfter: 10, forgetAfterSeconds: 90 * DAY_SECONDS },
  'pin-reset': {
    free: 2,
    firstDelaySeconds: 10,
    maxDelaySeconds: 900,
    lockAfter: 5,
    forgetAfterSeconds: 90 * DAY_SECONDS,
  },
  'user-code': {
    free: 3,
    firstDelaySeconds: 5,
    maxDelaySeconds: 900,
    lockAfter: 10,
    forgetAfterSeconds: 90 * DAY_SECONDS,
  },
  // How a case goes, by the code of its applicant or slip: never locked, as no officer opens this door again.
  progress: { free: 5, firstDelaySeconds: 5, maxDelaySeconds: 900, forgetAfterSeconds: DAY_SECONDS },
  source: { free: 10, firstDelaySeconds: 10, maxDelaySeconds: 3_600, forgetAfterSeconds: DAY_SECONDS },
};

export type Verdict = { allowed: true } | { allowed: false; waitSeconds: number } | { allowed: false; locked: true };

/** What has happened at one counter: failures, and attempts whose check is not over, since the last success. */
export interface AttemptCount {
  readonly failures: number;
  readonly lastAtMs: number;
}

/** Whether another attempt may be made now. A refused one is not counted. */
export function judge(policy: AttemptPolicy, count: AttemptCount, nowMs: number): Verdict {
  if (policy.lockAfter !== undefined && count.failures >= policy.lockAfter) return { allowed: false, locked: true };
  const excess = count.failures - policy.free;
  if (excess < 0 || isForgotten(policy, count, nowMs)) return { allowed: true };
  const delayMs = 1_000 * Math.min(policy.maxDelaySeconds, policy.firstDelaySeconds * 2 ** Math.min(excess, 30));
  // A clock that went back must not make the wait longer than the delay.
  const waitMs = Math.min(delayMs, count.lastAtMs + delayMs - nowMs);
  return waitMs <= 0 ? { allowed: true } : { allowed: false, waitSeconds: Math.ceil(waitMs / 1_000) };
}

/** Whether the count starts again from nothing. */
export function isForgotten(policy: AttemptPolicy, count: AttemptCount, nowMs: number): boolean {
  if (policy.lockAfter !== undefined && count.failures >= policy.lockAfter) return false;
  return nowMs - count.lastAtMs >= policy.forgetAfterSeconds * 1_000;
}
