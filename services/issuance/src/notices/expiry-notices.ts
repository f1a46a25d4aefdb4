import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock, Rounds } from '#libs/clock';
import { LOG } from '#libs/host';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { Mailer } from './mailer.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * Reminds of certificates that end soon, once for each of the days before that are set. What is due is what has no row
 * yet, so that hours of downtime, several processes and repeated rounds change nothing.
 */
@Injectable()
export class ExpiryNotices implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #rounds: Rounds;

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'expiryNoticeDays' | 'mail'>,
    @Inject(LOG) log: Logger,
  ) {
    this.#rounds = new Rounds({
      ...{ what: 'recording notices of expiry', work: () => this.recordDue(), waitMs: () => HOUR_MS, clock, log },
    });
  }

  onApplicationBootstrap(): void {
    this.#rounds.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.#rounds.stop();
  }

  /** After a downtime only the latest reminder is given. Revoked cards have none. @returns how many were new */
  async recordDue(): Promise<number> {
    const now = this.clock.now();
    const days = [...this.config.expiryNoticeDays].sort((a, b) => a - b);
    let recorded = 0;
    for (const [i, before] of days.entries()) {
      const from = new Date(now.getTime() + (days[i - 1] ?? 0) * DAY_MS);
      recorded += await this.recordBetween(now, before, from, new Date(now.getTime() + before * DAY_MS));
    }
    if (recorded > 0) this.mailer.wake();
    return recorded;
  }

  private async recordBetween(now: Date, days: number, from: Date, to: Date): Promise<number> {
    const due = this.config.mail !== undefined;
    const rows = await this.source.query<unknown[]>(
      `insert into notice (id, card_number, content, state, recorded_at, next_attempt_at, done_at)
       select 'expiry-' || k.card_number || '-' || $1::int, k.card_number,
              jsonb_build_object('kind', 'expiry-due',
                'notAfter', to_char(c.not_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                'daysLeft', ceil(extract(epoch from c.not_after - $2::timestamptz) / 86400)::int),
              $5, $2, $2, $6
       from certificate c join card k using (card_number)
       where c.slot = '9C' and c.state = 'written' and k.issued_at is not null
         and c.not_after > $3 and c.not_after <= $4
         and not exists (select 1 from known_status s where s.card_number = k.card_number and s.kind = 'revoked')
       on conflict (id) do nothing returning true`,
      [days, now, from, to, due ? 'due' : 'not-sent', due ? null : now],
    );
    return rows.length;
  }
}
