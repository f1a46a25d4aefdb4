import type { DataSource } from 'typeorm';
import type { Clock } from '#libs/clock';
import { beforeScrape, gauge } from '#libs/metrics';
import type { CaCertificate } from '#libs/pki';
import type { StatusFeed } from '#libs/status-feed';
import { isOpen, type DueRuns } from './due-runs.js';
import type { HeldLists } from './held-lists.js';
import type { ServedFiles } from './served-files.js';

export interface WatchedLists {
  source: DataSource;
  clock: Clock;
  issuer: CaCertificate;
  feed: StatusFeed;
  files: ServedFiles;
  runs: DueRuns;
  held: HeldLists;
}

const RUN_STATES = ['idle', 'due', 'running', 'held'] as const;

/** Figures of the served list and of the run that is open, looked up at each scrape. @returns stops that */
export function watchLists({ source, clock, issuer, feed, files, runs, held }: WatchedLists): () => void {
  const secondsLeft = gauge('kaika_crl_next_update_seconds', 'Until relying parties refuse the list served', []);
  const number = gauge('kaika_crl_published_number', 'Number of the list served', []);
  const runState = gauge('kaika_crl_run_state', '1 for the state of the latest list run', ['state']);
  const unexplained = gauge('kaika_crl_unexplained_entries', 'Differences that hold a list back', []);
  const lag = gauge('kaika_crl_feed_lag_rows', 'Rows of the status log that came and are not applied yet', []);
  const applied = gauge('kaika_crl_feed_applied_seq', 'Last row of the status log that is applied', []);
  return beforeScrape(async () => {
    const served = files.served(issuer.skiHex);
    if (served) {
      secondsLeft.set((served.nextUpdate.getTime() - clock.nowMs()) / 1_000);
      number.set(Number(served.number));
    }
    const last = await runs.last(source.manager, issuer.skiHex);
    const now = last && isOpen(last) ? last.state : 'idle';
    for (const state of RUN_STATES) runState.set({ state }, state === now ? 1 : 0);
    const report = now === 'idle' ? undefined : (await held.current(issuer.skiHex))?.report;
    unexplained.set(report ? Object.values(report.unexplainedCount).reduce((sum, one) => sum + one, 0) : 0);
    lag.set(await feed.backlog());
    applied.set((await feed.watermark()).seq);
  });
}
