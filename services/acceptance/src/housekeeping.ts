import type { DataSource } from 'typeorm';
import type { Clock } from '#libs/clock';
import type { AttemptStore } from '#libs/credentials';
import type { Prune } from '#libs/host';

const DAY_MS = 86_400_000;
/** How long somebody may still ask what became of a session. */
const SESSION_DAYS = 30;

/** A rotation of the PUK whose end was not seen: its session can still tell it. */
const isLive = (table: string) =>
  `exists (select from card where live_activation = ${table}.id and puk_rotating_to is not null)`;

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
    pinResets: () => drop(`delete from pin_reset where expires_at < $1 and not ${isLive('pin_reset')}`),
    unlocks: () => drop(`delete from unlock_session where expires_at < $1 and not ${isLive('unlock_session')}`),
    lockReports: () => drop('delete from lock_report where expires_at < $1'),
  };
}
