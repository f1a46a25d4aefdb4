import { collectDefaultMetrics, register } from 'prom-client';
import { sleep } from '#libs/clock';
import { counter } from './registry.js';

type Look = () => Promise<void>;

/** A database that does not answer must not keep the other figures back. */
const PATIENCE_MS = 3_000;

const looks = new Set<Look>();

/** Calls `look`, which sets gauges, before each scrape. @returns stops that */
export function beforeScrape(look: Look): () => void {
  looks.add(look);
  return () => void looks.delete(look);
}

/** Node's own figures: memory, CPU, event loop, garbage collection. Once a process, by whoever serves `/metrics`. */
export function processMetrics(): void {
  if (!register.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics();
}

/** What `GET /metrics` answers, in Prometheus' text format. A look that fails or is late leaves its gauges as they were. */
export async function scrape(): Promise<{ contentType: string; text: string }> {
  const failures = counter('kaika_scrape_failures_total', 'Looks for figures that failed or took more than 3 s', []);
  await Promise.all(
    [...looks].map(async (look) => {
      const impatience = new AbortController();
      const late = sleep(PATIENCE_MS, impatience.signal).then(() => !impatience.signal.aborted);
      const failed = look().then(
        () => false,
        () => true,
      );
      if (await Promise.race([failed, late])) failures.inc();
      impatience.abort();
    }),
  );
  return { contentType: register.contentType, text: await register.metrics() };
}
