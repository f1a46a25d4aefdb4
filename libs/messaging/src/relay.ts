import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { sleep } from '#libs/clock';
import { BusMemory } from './bus-memory.js';
import type { BusRecord, EventSink } from './bus-record.js';
import { WakeUp } from './wake-up.js';

export interface RelayOptions {
  service: string;
  /** The service's application role. */
  url: string;
  sink: EventSink;
  /** How often the outbox is looked at when nobody wakes us. */
  pollMs: number;
  /** How often a bus that can lose topics is asked whether it has, while nothing is sent. Default 15 s. */
  lookMs?: number;
}

const BATCH = 500;
const REST_MS = 100;
const LOOK_MS = 15_000;
const STANDBY_MS = 1_000;
const RETRY_MS = 500;
const CONNECT_MS = 5_000;
/** Longer than the server lets a statement run (30 s): then the network has lost the answer. */
const QUERY_MS = 40_000;

/** The lock is held by *this* session, still. A pooler between us and the server could have changed the session. */
const LOCKED = `exists (select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted
  and objsubid = 1 and ((classid::bigint << 32) | objid::bigint) = hashtextextended($1, 0))`;

/**
 * Carries a service's outbox to the bus, one relay a service at a time. Sends in order of id, waits until all of a
 * batch is stored, then marks it: a crash between the two sends a batch again, in the same order.
 *
 * Before each batch it asks whether the bus still has what was sent to the batch's topics. One that has forgotten it gets
 * all that the outbox has of the topic (14 days) before the batch, so that order holds for who reads it from its start.
 */
export class Relay {
  readonly #log: Logger;
  readonly #lock: string;
  readonly #news = new WakeUp();
  /** Events stored and marked since the start of the process. */
  relayed = 0;
  /** Events to be sent again, since the bus had forgotten them. */
  sentAgain = 0;
  readonly #memory: BusMemory;
  #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(private readonly options: RelayOptions) {
    this.#log = new Logger(`relay ${options.service}`);
    this.#memory = new BusMemory(options.sink);
    this.#lock = `kaika.relay.${options.service}`;
  }

  /** Returns at once; connects in the background and for ever. */
  start(): void {
    this.#stop = new AbortController();
    this.#done = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  wake(): void {
    this.#news.wake();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const client = new Client({
        connectionString: this.options.url,
        keepAlive: true,
        connectionTimeoutMillis: CONNECT_MS,
        query_timeout: QUERY_MS,
      });
      client.on('error', () => {}); // the next query tells
      try {
        await client.connect();
        await this.#work(client, signal, () => (failures = 0));
      } catch (error) {
        if (failures++ % 60 === 0) this.#log.warn(`waiting for database and bus: ${(error as Error).message}`);
        await sleep(RETRY_MS, signal);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  async #work(client: Client, signal: AbortSignal, succeeded: () => void): Promise<void> {
    while (!(await this.#takeLock(client))) {
      await sleep(STANDBY_MS, signal);
      if (signal.aborted) return;
    }
    await this.#memory.load(client);
    for (let lookAt = 0; !signal.aborted;) {
      if (performance.now() >= lookAt) {
        await this.#sendAgain(client, await this.#memory.goneTopics());
        lookAt = performance.now() + (this.options.lookMs ?? LOOK_MS);
      }
      const began = performance.now();
      const sent = await this.#sendBatch(client);
      succeeded();
      if (sent === BATCH) continue;
      // What comes alone leaves at once. Of many, each batch takes what came meanwhile: the busier, the more it takes.
      if (sent > 0) await sleep(Math.min(2 * (performance.now() - began), REST_MS), signal);
      await this.#news.wait(this.options.pollMs, signal);
    }
  }

  async #takeLock(client: Client): Promise<boolean> {
    const sql = 'select pg_try_advisory_lock(hashtextextended($1, 0)) as ours';
    const { rows } = await client.query<{ ours: boolean }>(sql, [this.#lock]);
    return rows[0]!.ours;
  }

  async #sendBatch(client: Client): Promise<number> {
    const { rows } = await client.query<BusRecord & { position: string }>(
      `select id as position, event_id as id, topic, key, value
       from outbox where dispatched_at is null order by outbox.id limit ${BATCH}`,
    );
    if (rows.length === 0) return 0;
    const topics = new Set(rows.map(({ topic }) => topic));
    if (await this.#sendAgain(client, await this.#memory.goneTopics(topics))) return BATCH;
    const records = rows.map(({ topic, key, value, id }) => ({ topic, key, value, id }));
    const marks = (await this.options.sink.send(records)) ?? [];
    if (await this.#sendAgain(client, this.#memory.contradicted(marks))) return BATCH;
    const { rowCount } = await client.query(
      `with noted as (
         insert into bus_mark (topic, partition, last_offset, stored_at_ms)
         select * from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) where ${LOCKED}
         on conflict (topic, partition) do update
         set last_offset = excluded.last_offset, stored_at_ms = excluded.stored_at_ms)
       update outbox set dispatched_at = clock_timestamp() where id = any($2::bigint[]) and ${LOCKED}`,
      [
        this.#lock,
        rows.map((row) => row.position),
        marks.map((mark) => mark.topic),
        marks.map((mark) => mark.partition),
        marks.map((mark) => mark.offset),
        marks.map((mark) => mark.storedAtMs),
      ],
    );
    if (rowCount !== rows.length) throw new Error('the lock of the relay was lost');
    this.#memory.note(marks);
    this.relayed += rows.length;
    return rows.length;
  }

  async #sendAgain(client: Client, topics: string[]): Promise<boolean> {
    if (topics.length === 0) return false;
    const events = await this.#memory.forget(client, topics, { sql: LOCKED, name: this.#lock });
    this.#log.warn(`the bus has forgotten ${topics.join(', ')}: ${events} events are sent again`);
    this.sentAgain += events;
    return true;
  }
}
