import { Logger } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { sleep } from '#libs/clock';
import { isSurroundingsError, prepared } from '#libs/database';
import { CaError } from '#libs/errors';
import { type EventOf, type EventType, type KaikaEvent, parseEvent } from '#libs/events';
import { traced } from '#libs/trace';
import { type Delivery, MAX_EVENT_BYTES } from './bus-record.js';
import { buryRecord, enterInbox, enterInboxAgain, waitBehind } from './parking.js';
import type { Watchdog } from './watchdog.js';

/**
 * What a service reacts to: its map of event types. `tx` holds the inbox row, so the effect happens exactly once; of a
 * replicated topic it is no transaction.
 */
export type Handlers = {
  readonly [T in EventType]?: (event: EventOf<T>, tx: EntityManager) => Promise<unknown> | void;
};

export interface ConsumerOptions {
  /** Whose consumer it is, in traces. */
  service?: string;
  /**
   * Topics that copy a log: whoever takes their events may take one as often as he likes, in any order, and fetches what is
   * missing. They need no inbox, count nothing, and are tried for ever.
   */
  replicated?: readonly string[];
  /** Attempts at an event before it is dead-lettered. */
  maxAttempts: number;
  firstRetryMs?: number;
  /** Watches over each attempt. */
  watchdog?: Watchdog;
}

type Handler = (event: KaikaEvent, tx: EntityManager) => Promise<unknown> | void;

const LAST_RETRY_MS = 15_000;

const COUNT = prepared(
  `insert into delivery_attempt as a (topic, record_id, attempts) values ($1, $2, greatest($3, 0))
   on conflict (topic, record_id) do update set attempts = greatest(a.attempts + $3, 0)
   returning attempts, set_config('synchronous_commit', 'off', true)`,
);

/**
 * Between transport and handlers. Errors of the surroundings are waited out, for ever. Errors of the event are counted
 * in the database *before* each attempt (one that kills the process counts too); after `maxAttempts` the event is
 * dead-lettered and its key parked: later events of that key wait behind it, other keys go on.
 */
export class Consumer {
  readonly #log = new Logger('consumer');
  /** Since the start of the process. */
  readonly counts = { handled: 0, duplicate: 0, ignored: 0, unknown: 0, retried: 0, deadLettered: 0, waiting: 0 };

  constructor(
    private readonly source: DataSource,
    private readonly options: ConsumerOptions,
  ) {}

  /** Resolves when the record is dealt with, whatever that was. @throws only when stopped, or in a replay */
  async receive(record: Delivery, handlers: Handlers): Promise<void> {
    const event = this.#parse(record, handlers);
    if (event === 'ignored' || event === 'unknown') return void this.counts[event]++;
    const { traceparent, type } = event instanceof Error ? { type: 'unreadable' } : event;
    const attributes = { 'messaging.destination.name': record.topic, 'kaika.event.type': type };
    const { service = 'consumer' } = this.options;
    const about = { service, name: `process ${record.topic}`, kind: 'event' as const, attributes };
    await traced({ traceparent }, about, () => this.#dealWith(record, event, handlers));
  }

  /** In the event's own trace, whoever replays it. */
  async #dealWith(record: Delivery, event: KaikaEvent | Error, handlers: Handlers): Promise<void> {
    if (record.replay) return this.#replay(record, event, handlers);
    if (event instanceof Error && this.#isReplicated(record)) {
      this.#log.error(`${record.topic} ${record.id} cannot be read, left out: ${event.message}`);
      return void this.counts.ignored++;
    }
    await this.#persist(record, event, handlers);
  }

  /** @returns `ignored`: not this service's; `unknown`: of a type that this version does not know */
  #parse(record: Delivery, handlers: Handlers): KaikaEvent | Error | 'ignored' | 'unknown' {
    if (Buffer.byteLength(record.value) > MAX_EVENT_BYTES) {
      return new CaError('eventMalformed', `the event is larger than ${MAX_EVENT_BYTES} octets`);
    }
    try {
      const event = parseEvent(record.value);
      if (!event) return 'unknown';
      if (!handlerOf(handlers, event.type)) return 'ignored';
      // Order holds for each key: an event under another card's key has no place in it.
      if (event.subject !== record.key) return new CaError('eventMalformed', 'its key is not its subject');
      return event;
    } catch (error) {
      const type = typeOf(record.value);
      return type !== undefined && !handlerOf(handlers, type) ? 'ignored' : (error as Error);
    }
  }

  /** Tries until the record is dealt with. */
  async #persist(record: Delivery, event: KaikaEvent | Error, handlers: Handlers): Promise<void> {
    for (let failures = 0; ; failures++) {
      if (record.signal?.aborted) throw new Error('stopped before the record was dealt with');
      if (failures > 0) this.counts.retried++;
      try {
        if (event instanceof Error) return await this.#bury(record, undefined, event);
        if (await this.#watched(record, this.#attempt(record, event, handlers))) return;
      } catch (error) {
        this.#tell(record, failures, error);
      }
      await sleep(Math.min((this.options.firstRetryMs ?? 100) * 2 ** failures, LAST_RETRY_MS), record.signal);
    }
  }

  #watched<T>(record: Delivery, attempt: Promise<T>): Promise<T> {
    return this.options.watchdog?.watch(`${record.topic} ${record.id}`, attempt) ?? attempt;
  }

  /** @returns whether the record is dealt with @throws errors of the surroundings, which don't count */
  async #attempt(record: Delivery, event: KaikaEvent, handlers: Handlers): Promise<boolean> {
    if (this.#isReplicated(record)) {
      await handlerOf(handlers, event.type)!(event, this.source.manager);
      this.counts.handled++;
      return true;
    }
    const attempts = await this.#count(record, 1);
    if (attempts > this.options.maxAttempts) {
      const error = new Error('every attempt ended without an answer, as when the process is killed');
      await this.#bury(record, event, error, attempts - 1);
      return true;
    }
    try {
      const outcome = await this.source.transaction((tx) => this.#effect(record, event, handlers, tx));
      this.counts[outcome]++;
      return true;
    } catch (error) {
      if (isSurroundingsError(error)) {
        await this.#count(record, -1).catch(() => {});
        throw error;
      }
      if (attempts < this.options.maxAttempts) throw error;
      await this.#bury(record, event, error, attempts);
      return true;
    }
  }

  async #effect(record: Delivery, event: KaikaEvent, handlers: Handlers, tx: EntityManager) {
    const place = await enterInbox(tx, record, event.id);
    if (place === 'parked') {
      await waitBehind(tx, record, event.type);
      return 'waiting';
    }
    if (place === 'handled') await handlerOf(handlers, event.type)!(event, tx);
    return place;
  }

  async #replay(record: Delivery, event: KaikaEvent | Error, handlers: Handlers): Promise<void> {
    const { replay } = record;
    try {
      if (event instanceof Error) throw event;
      if (await enterInboxAgain(replay!.tx, record, event.id))
        await handlerOf(handlers, event.type)!(event, replay!.tx);
    } catch (error) {
      replay!.error = error;
      throw error;
    }
  }

  async #bury(record: Delivery, event: KaikaEvent | undefined, error: unknown, attempts = 1): Promise<void> {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    await this.source.transaction((tx) => buryRecord(tx, record, event?.type ?? null, reason, attempts));
    this.counts.deadLettered++;
    this.#log.error(`dead letter: ${record.topic} ${record.id}, key ${record.key} is parked: ${reason}`);
  }

  /** Durable before the handler runs as far as our own end goes; only a crash of the server could lose the count. */
  async #count(record: Delivery, step: 1 | -1): Promise<number> {
    const rows = await this.source.query<{ attempts: number }[]>(COUNT, [record.topic, record.id, step]);
    return rows[0]!.attempts;
  }

  #isReplicated(record: Delivery): boolean {
    return this.options.replicated?.includes(record.topic) ?? false;
  }

  #tell(record: Delivery, failures: number, error: unknown): void {
    const line = `${record.topic} ${record.id} failed (attempt ${failures + 1}): ${String((error as Error)?.stack ?? error)}`;
    if (failures % 20 === 0) this.#log.warn(line);
  }
}

function handlerOf(handlers: Handlers, type: string): Handler | undefined {
  return Object.hasOwn(handlers, type) ? (handlers[type as EventType] as Handler | undefined) : undefined;
}

function typeOf(value: string): string | undefined {
  try {
    const { type } = JSON.parse(value) as { type?: unknown };
    return typeof type === 'string' ? type : undefined;
  } catch {
    return undefined;
  }
}
