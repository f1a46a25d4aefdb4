import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { beforeScrape, gauge, watchPendingCards } from '#libs/metrics';
import { Responder } from '#libs/ocsp';
import { StatusFeed } from '#libs/status-feed';
import { Watermarks } from './ocsp/watermarks.js';

/** What Prometheus sees of this service, looked up at each scrape. */
@Injectable()
export class Figures implements OnApplicationBootstrap, OnModuleDestroy {
  #stops: (() => void)[] = [];

  constructor(
    private readonly source: DataSource,
    private readonly feed: StatusFeed,
    private readonly watermarks: Watermarks,
    private readonly responder: Responder,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.#stops = [watchPendingCards('status-query', () => this.pendingCards()), this.watch()];
  }

  onModuleDestroy(): void {
    for (const stop of this.#stops) stop();
  }

  /** Cards whose status came before they did: more than ten minutes mean that issuance's word is lost or parked. */
  async pendingCards(): Promise<{ count: number; oldestSeconds: number }> {
    const [row] = await this.source.query<{ count: number; oldest: number | null }[]>(
      `select count(*)::int as count, extract(epoch from clock_timestamp() - min(noticed_at))::float8 as oldest
       from card_status as s where not exists (select from card as k where k.card_number = s.card_number)`,
    );
    return { count: row!.count, oldestSeconds: row!.oldest ?? 0 };
  }

  private watch(): () => void {
    const age = gauge('kaika_ocsp_knowledge_age_seconds', 'Age of what OCSP vouches for; above 30 it does not', []);
    const delegate = gauge('kaika_ocsp_delegate_left_seconds', 'Until the OCSP delegate expires; 0: there is none', []);
    const lag = gauge(
      'kaika_status_query_feed_lag_rows',
      'Rows of the status log that came and are not applied yet',
      [],
    );
    return beforeScrape(async () => {
      const nowMs = this.clock.nowMs();
      const { notAfter } = this.responder.delegate ?? {};
      delegate.set(notAfter ? Math.max(0, (notAfter.getTime() - nowMs) / 1_000) : 0);
      lag.set(await this.feed.backlog());
      const known = await this.watermarks.applied();
      age.set(known ? (nowMs - known.getTime()) / 1_000 : Number.POSITIVE_INFINITY);
    });
  }
}
