import { afterEach, describe, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { beforeScrape, counter, gauge, processMetrics, scrape, watchPendingCards } from './index.js';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  register.clear();
});

describe('the figures', () => {
  it('are one metric for all services of a process', async () => {
    for (const service of ['a', 'b', 'a']) counter('kaika_things_total', 'Things', ['service']).inc({ service });
    const { text, contentType } = await scrape();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('kaika_things_total{service="a"} 2\nkaika_things_total{service="b"} 1\n');
  });

  it('are looked up at each scrape, until that is stopped', async () => {
    let looks = 0;
    const stop = beforeScrape(async () => gauge('kaika_looks', 'Looks', []).set(++looks));
    expect((await scrape()).text).toContain('kaika_looks 1');
    expect((await scrape()).text).toContain('kaika_looks 2');
    stop();
    expect((await scrape()).text).toContain('kaika_looks 2');
  });

  it('come without those that fail or hang, which are counted', async () => {
    stops.push(beforeScrape(() => Promise.reject(new Error('no database'))));
    stops.push(beforeScrape(() => new Promise(() => {})));
    stops.push(watchPendingCards('a', () => Promise.resolve({ count: 2, oldestSeconds: 61 })));
    const { text } = await scrape();
    expect(text).toContain('kaika_scrape_failures_total 2');
    expect(text).toContain('kaika_pending_cards_oldest_seconds{service="a"} 61');
  });

  it('hold those of the process, once', async () => {
    processMetrics();
    processMetrics();
    expect((await scrape()).text).toContain('nodejs_eventloop_lag_seconds');
  });
});
