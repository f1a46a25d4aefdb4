import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { beforeScrape, gauge } from '#libs/metrics';

/** What waits for somebody: figures looked up at each scrape, each by a partial index. */
@Injectable()
export class IssuanceMetrics implements OnApplicationBootstrap, OnModuleDestroy {
  #stop?: () => void;

  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const cases = gauge('kaika_office_cases_open', 'Cases that the application office has not closed', []);
    const applications = gauge('kaika_applications_waiting_for_stock', 'Approved, and no blank card in stock', []);
    const notices = gauge('kaika_notices_waiting', 'Notices to subscribers that are not sent yet', []);
    const oldest = gauge('kaika_notices_waiting_oldest_seconds', 'How long the oldest of them waits', []);
    const queue = gauge('kaika_station_queue_cards', 'Cards that wait to be made at a station', []);
    const first = gauge('kaika_station_queue_oldest_seconds', 'How long the first of them waits', []);
    const returns = gauge('kaika_card_returns_here', 'Cards sent in that lie at the centre', ['state']);
    const longest = gauge('kaika_card_returns_oldest_seconds', 'How long the oldest of them lies here', []);
    const secondsSince = (at: Date | null) => (at ? Math.max(0, (this.clock.nowMs() - at.getTime()) / 1_000) : 0);
    this.#stop = beforeScrape(async () => {
      const [row] = await this.source.query<[Waiting]>(
        `select (select count(*)::int from office_case where closed_at is null) as cases,
                (select count(*)::int from application where state = 'waiting-for-stock') as applications,
                (select count(*)::int from card where state = 'assigned') as queued,
                (select min(assigned_at) from card where state = 'assigned') as "queuedSince",
                count(*)::int as notices, min(recorded_at) as since
         from notice where state = 'due'`,
      );
      cases.set(row.cases);
      applications.set(row.applications);
      notices.set(row.notices);
      oldest.set(secondsSince(row.since));
      queue.set(row.queued);
      first.set(secondsSince(row.queuedSince));
      const here = await this.source.query<Here[]>(
        `select state, count(*)::int as count, min(received_at) as since from card_return
         where state in ('received', 'identified', 'decided') group by state`,
      );
      for (const state of STATES_HERE) returns.set({ state }, here.find((one) => one.state === state)?.count ?? 0);
      longest.set(Math.max(0, ...here.map(({ since }) => secondsSince(since))));
    });
  }

  onModuleDestroy(): void {
    this.#stop?.();
  }
}

/** From the counter's desk until it is sent back. */
const STATES_HERE = ['received', 'identified', 'decided'] as const;

interface Here {
  state: (typeof STATES_HERE)[number];
  count: number;
  since: Date;
}

interface Waiting {
  cases: number;
  applications: number;
  queued: number;
  queuedSince: Date | null;
  notices: number;
  since: Date | null;
}
