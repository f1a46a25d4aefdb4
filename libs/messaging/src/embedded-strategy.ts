import { Logger } from '@nestjs/common';
import { BaseRpcContext, type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { sleep } from '#libs/clock';
import type { Delivery } from './bus-record.js';
import { deliver } from './deliver.js';
import { appended, EmbeddedLog } from './embedded-log.js';
import { GroupSession, type PartitionId } from './group-session.js';
import { PARTITIONS } from './partitions.js';
import { PartitionReader } from './partition-reader.js';
import { WakeUp } from './wake-up.js';
import type { Watchdog } from './watchdog.js';

export interface EmbeddedStrategyOptions {
  /** Consumer group: the service's name. */
  group: string;
  busUrl: string;
  /** How often the log is looked at when nobody wakes us. */
  pollMs: number;
  /** How often partitions are shared out anew among living members. Default 1 s. */
  rebalanceMs?: number;
  /** Watches over the steps of reading, and is told when reading has ended by itself. */
  watchdog?: Watchdog;
}

const RETRY_MS = 500;

/**
 * Serves Nest's `@EventPattern(topic)` handlers from the embedded log: in order within a partition, the position
 * moved after the handler, partitions shared among the members of the group.
 */
export class EmbeddedLogStrategy extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true;
  readonly #log: Logger;
  readonly #source: EmbeddedLog;
  readonly #news = new WakeUp();
  readonly #readers = new Map<string, PartitionReader>();
  readonly #ends = new Map<string, bigint>();
  readonly #stop = new AbortController();
  #done: Promise<unknown> = Promise.resolve();
  #closed?: Promise<void>;

  constructor(private readonly options: EmbeddedStrategyOptions) {
    super();
    this.#log = new Logger(`consumer ${options.group}`);
    this.#source = new EmbeddedLog(options.busUrl);
  }

  /** Calls back at once: a service is up before its bus is (DESIGN.md §3, "Staying up"). */
  listen(callback: (error?: unknown) => void): void {
    for (const [topic, handler] of this.messageHandlers) {
      if (handler.next) return callback(new Error(`${this.options.group} has two handlers for ${topic}; merge them`));
    }
    if (this.messageHandlers.size > 0) {
      this.#done = Promise.all([this.#follow(), this.#watch()]).catch((error: unknown) => {
        this.options.watchdog?.ended(`consuming ended: ${String((error as Error)?.stack ?? error)}`);
      });
    }
    callback();
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    await this.#source.close();
  }

  /** Hands one record to its handler; rejects if the handler does. */
  deliver(delivery: Delivery): Promise<void> {
    return deliver(this, delivery, new BaseRpcContext([delivery]));
  }

  /** Partitions this member owns now, as `topic/partition`. */
  get owned(): string[] {
    return [...this.#readers.keys()];
  }

  on(): void {}

  unwrap<T>(): T {
    return this.#source as T;
  }

  /** Member of the group for as long as the session lives; then again, for ever. */
  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      const session = new GroupSession(this.options.busUrl, this.options.group);
      const ended = new AbortController();
      void session.lost.then(() => ended.abort());
      try {
        await session.join();
        await this.#source.createTopics(this.#topics);
        failures = 0;
        await this.#share(session, AbortSignal.any([signal, ended.signal]));
      } catch (error) {
        if (failures++ % 60 === 0) this.#log.warn(`waiting for the bus: ${(error as Error).message}`);
      }
      await Promise.all([...this.#readers.keys()].map((name) => this.#dismiss(name)));
      await session.leave();
      await sleep(RETRY_MS, signal);
    }
  }

  /** Takes and gives partitions until every living member has its fair share of them. */
  async #share(session: GroupSession, signal: AbortSignal): Promise<void> {
    // By partition first: a member's share is of every topic, not one busy topic.
    const all = [...Array(PARTITIONS).keys()].flatMap((partition) =>
      this.#topics.map((topic) => ({ topic, partition })),
    );
    while (!signal.aborted) {
      const fair = Math.ceil(all.length / (await session.members()));
      for (const name of [...this.#readers.keys()].slice(fair)) {
        const reader = await this.#dismiss(name);
        if (reader) await session.release(reader.id);
      }
      for (const id of all) {
        if (this.#readers.size >= fair || signal.aborted) break;
        if (!this.#readers.has(nameOf(id)) && (await session.claim(id))) await this.#employ(session, id);
      }
      await sleep(this.options.rebalanceMs ?? 1_000, signal);
    }
  }

  async #employ(session: GroupSession, id: PartitionId): Promise<void> {
    const handle = (delivery: Delivery) => this.deliver(delivery);
    const reader = new PartitionReader(id, session, this.#source, handle, this.#log, this.options.watchdog);
    this.#readers.set(nameOf(id), reader);
    await reader.start();
    reader.grow(this.#ends.get(nameOf(id)) ?? 0n);
  }

  async #dismiss(name: string): Promise<PartitionReader | undefined> {
    const reader = this.#readers.get(name);
    await reader?.stop();
    this.#readers.delete(name);
    return reader;
  }

  /** One look at the log for all partitions: woken by what this process appends, else by poll. */
  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const wake = (topic: string) => this.messageHandlers.has(topic) && this.#news.wake();
    appended.on('topic', wake);
    while (!signal.aborted) {
      try {
        for (const [name, end] of await this.#source.ends(this.#topics)) {
          this.#ends.set(name, end);
          this.#readers.get(name)?.grow(end);
        }
        await this.#news.wait(this.options.pollMs, signal);
      } catch {
        await sleep(RETRY_MS, signal); // told by #follow, which has lost the same server
      }
    }
    appended.off('topic', wake);
  }

  get #topics(): string[] {
    return [...this.messageHandlers.keys()];
  }
}

const nameOf = ({ topic, partition }: PartitionId): string => `${topic}/${partition}`;
