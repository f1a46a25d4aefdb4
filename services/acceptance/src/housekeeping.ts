import type { DataSource } from 'typeorm';
import type { Clock } from '#libs/clock';
import type { AttemptStore } from '#libs/credentials';
import type { Prune } from '#libs/host';

const DAY_MS = 86_400_000;
/** How long somebody may still ask what became of a session. */
const SESSION_DAYS = 30;

const IS_LIVE = `exists (select from card where live_activation = pin_reset.id and puk_rotating_to is not null)`;

/** Drops counts of attempts that are forgotten, sessions, requests for user codes. Never evidence. */
export function prunes(source: DataSource, clock: Clock, attempts: AttemptStore): Record<string, Prune> {
  const drop = async (sql: string) => {
    const before = new Date(clock.nowMs() - SESSION_DAYS * DAY_MS);
    const [, count] = await source.query<[unknown, number]>(sql, [before]);
    return count;
  };
  return {
    attempts: () => attempts.prune(),
    // A card that waits for its PIN completes its live session, however late.
    sessions: () =>
      drop(`delete from activation where expires_at < $1 and not exists
              (select from card where live_activation = activation.id and (activated_at is null or unlocked_at is not null))`),
    resets: () => drop('delete from user_code_reset where expires_at < $1'),
    // Of a rotation whose end was not seen, the live session can still tell it.
    pinResets: () => drop(`delete from pin_reset where expires_at < $1 and not ${IS_LIVE}`),
    unlocks: () => drop(`delete from unlock_session as pin_reset where expires_at < $1 and not ${IS_LIVE}`),
    lockReports: () => drop('delete from lock_report where expires_at < $1'),
  };
}
