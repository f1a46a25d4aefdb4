import { Counter, Gauge, Histogram, type Metric, register } from 'prom-client';

/**
 * Metrics of this process, in prom-client's one registry. The services of the embedded default share a process: each
 * metric exists once, whoever asks for it first, and tells them apart by its label `service`.
 *
 * Names begin with `kaika_` and end in their unit; counters end in `_total`. Labels have few values: never a card
 * number, a case or anything else of a person.
 */
export function counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
  return existing(name) ?? new Counter({ name, help, labelNames });
}

/** A value looked up at each scrape: see `beforeScrape`. */
export function gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
  return existing(name) ?? new Gauge({ name, help, labelNames });
}

/** @param buckets upper bounds, in the unit of the name */
export function histogram<L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[],
  buckets: number[],
): Histogram<L> {
  return existing(name) ?? new Histogram({ name, help, labelNames, buckets });
}

function existing<M extends Metric>(name: string): M | undefined {
  return register.getSingleMetric(name) as M | undefined;
}
