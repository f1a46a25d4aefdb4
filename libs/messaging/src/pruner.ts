import { Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { sleep } from '#libs/clock';
import type { EventSink } from './bus-record.js';

/** The inbox outlives the bus (14 days) by far: what can come again is known. */
const RULES = [
  { what: 'sent events', keepDays: 14, sql: prune('outbox', 'id', 'dispatched_at') },
  { what: 'inbox rows', keepDays: 45, sql: prune('inbox', 'event_id', 'received_at') },
  { what: 'resolved dead letters', keepDays: 365, sql: prune('dead_letter', 'id', 'resolved_at') },
];
const FIRST_MS = 5 * 60_000;
const EVERY_MS = 3_600_000;
const ROUNDS_A_DAY = 24;
const BATCH = 5_000;

/** Rows without a time in `column` stay. */
function prune(table: string, key: string, column: string): string {
  return `delete from ${table} where ${key} in (
    select ${key} from ${table} where ${column} < clock_timestamp() - $1::int * interval '1 day' limit $2 for update skip locked)`;
}

/** Removes what is done with: each service its own rows daily, the bus's hourly. Several replicas may do it at once. */
export class Pruner {
  readonly #log = new Logger('pruner');
  readonly #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(
    private readonly source: DataSource,
    private readonly sink: EventSink,
    private readonly batch = BATCH,
  ) {}

  start(): void {
    this.#done = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** @returns how many rows went, by what they were */
  async run(rules = RULES): Promise<Record<string, number>> {
    const gone: Record<string, number> = {};
    for (const { what, keepDays, sql } of rules) gone[what] = await this.#inBatches(sql, keepDays);
    gone['bus records'] = (await this.sink.prune?.()) ?? 0;
    return gone;
  }

  async #inBatches(sql: string, keepDays: number): Promise<number> {
    for (let gone = 0; ;) {
      const [, count] = await this.source.query<[unknown[], number]>(sql, [keepDays, this.batch]);
      gone += count;
      if (count < this.batch || this.#stop.signal.aborted) return gone;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let round = 0; ; round++) {
      await sleep(round === 0 ? FIRST_MS : EVERY_MS, signal);
      if (signal.aborted) return;
      await this.run(round % ROUNDS_A_DAY === 0 ? RULES : []).then(
        (gone) => this.#log.log(`pruned ${JSON.stringify(gone)}`),
        (error: unknown) => this.#log.warn(`pruning is tried again later: ${(error as Error).message}`),
      );
    }
  }
}
