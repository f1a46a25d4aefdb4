import type { DataSource } from 'typeorm';
import { beforeScrape, counter, gauge } from '#libs/metrics';
import type { Consumer } from './consumer.js';
import type { Relay } from './relay.js';

interface Waiting {
  outbox: number;
  oldest: number;
  dead: number;
  waiting: number;
  parked: number;
  parkedOldest: number;
}

const WAITING = `
  select count(*)::int as outbox,
    coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest,
    (select count(*) from dead_letter where state = 'dead')::int as dead,
    (select count(*) from dead_letter where state = 'waiting')::int as waiting,
    (select count(*) from parked_key)::int as parked,
    (select coalesce(extract(epoch from clock_timestamp() - min(since)), 0) from parked_key)::float8 as "parkedOldest"
  from outbox where dispatched_at is null`;

/** The figures of one service's sending and receiving. @returns stops looking them up */
export function watchMessaging(
  service: string,
  { source, consumer, relay }: { source: DataSource; consumer: Consumer; relay: Relay },
): () => void {
  const received = counter('kaika_events_received_total', 'Records from the bus by what became of them', ['service', 'outcome']); // prettier-ignore
  const retries = counter('kaika_event_retries_total', 'Further attempts at a record', ['service']);
  const relayed = counter('kaika_events_relayed_total', 'Events stored on the bus and marked as sent', ['service']);
  const again = counter('kaika_events_sent_again_total', 'Events that the bus had acknowledged and forgotten', ['service']); // prettier-ignore
  const outbox = gauge('kaika_outbox_waiting', 'Events committed and not yet sent', ['service']);
  const oldest = gauge('kaika_outbox_oldest_seconds', 'How long the oldest event waits to be sent', ['service']);
  const letters = gauge('kaika_dead_letters_open', 'Dead letters, and those waiting behind one', ['service', 'state']);
  const parked = gauge('kaika_parked_keys', 'Keys whose events wait behind a dead letter', ['service']);
  const parkedOldest = gauge('kaika_parked_key_oldest_seconds', 'How long the oldest key is parked', ['service']);

  const told = { relayed: 0, sentAgain: 0, ...consumer.counts, ...zeros(consumer.counts) };
  const sinceLast = (name: keyof typeof told, now: number): number => {
    const step = now - told[name];
    told[name] = now;
    return step;
  };
  return beforeScrape(async () => {
    const { retried, ...outcomes } = consumer.counts;
    for (const [outcome, count] of Object.entries(outcomes)) {
      received.inc({ service, outcome: snake(outcome) }, sinceLast(outcome as keyof typeof outcomes, count));
    }
    retries.inc({ service }, sinceLast('retried', retried));
    relayed.inc({ service }, sinceLast('relayed', relay.relayed));
    again.inc({ service }, sinceLast('sentAgain', relay.sentAgain));
    const [now] = await source.query<Waiting[]>(WAITING);
    outbox.set({ service }, now!.outbox);
    oldest.set({ service }, now!.oldest);
    letters.set({ service, state: 'dead' }, now!.dead);
    letters.set({ service, state: 'waiting' }, now!.waiting);
    parked.set({ service }, now!.parked);
    parkedOldest.set({ service }, now!.parkedOldest);
  });
}

const zeros = <T extends object>(counts: T) => Object.fromEntries(Object.keys(counts).map((name) => [name, 0])) as Record<keyof T, number>; // prettier-ignore
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
