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
    this.#stop = beforeScrape(async () => {
      const [row] = await this.source.query<[Waiting]>(
        `select (select count(*)::int from office_case where closed_at is null) as cases,
                (select count(*)::int from application where state = 'waiting-for-stock') as applications,
                count(*)::int as notices, min(recorded_at) as since
         from notice where state = 'due'`,
      );
      cases.set(row.cases);
      applications.set(row.applications);
      notices.set(row.notices);
      oldest.set(row.since ? Math.max(0, (this.clock.nowMs() - row.since.getTime()) / 1_000) : 0);
    });
  }

  onModuleDestroy(): void {
    this.#stop?.();
  }
}

interface Waiting {
  cases: number;
  applications: number;
  notices: number;
  since: Date | null;
}
