import type { Logger } from '@nestjs/common';
import { sleep } from '#libs/clock';
import type { Delivery } from './bus-record.js';
import type { EmbeddedLog, LogRecord } from './embedded-log.js';
import type { GroupSession, PartitionId } from './group-session.js';
import { WakeUp } from './wake-up.js';
import type { Watchdog } from './watchdog.js';

const BATCH = 100;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const IDLE_MS = 60_000;

/** Reads one partition that this member has claimed: one record after the other, the next only when one is dealt with. */
export class PartitionReader {
  readonly #stop = new AbortController();
  readonly #news = new WakeUp();
  #position = 0n;
  #done: Promise<void> = Promise.resolve();

  constructor(
    readonly id: PartitionId,
    private readonly session: GroupSession,
    private readonly source: EmbeddedLog,
    private readonly handle: (delivery: Delivery) => Promise<void>,
    private readonly log: Logger,
    private readonly watchdog?: Watchdog,
  ) {}

  async start(): Promise<void> {
    this.#position = await this.session.position(this.id);
    this.#done = this.#run();
  }

  /** Lets the handler that runs finish, then returns; no further record is begun. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** The log has grown up to `end`. */
  grow(end: bigint): void {
    if (end > this.#position) this.#news.wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      try {
        const { topic, partition } = this.id;
        const records = await this.#watched('reading', this.source.read(topic, partition, this.#position, BATCH));
        for (const record of records) {
          await this.#digest(record, signal);
          failures = 0;
          if (signal.aborted) return;
        }
        if (records.length === 0) await this.#news.wait(IDLE_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ % 20 === 0) {
          this.log.warn(`${this.id.topic}/${this.id.partition} waits at ${this.#position}: ${messageOf(error)}`);
        }
        await sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), signal);
      }
    }
  }

  async #digest({ partition: _, offset, ...record }: LogRecord, signal: AbortSignal): Promise<void> {
    await this.handle({ ...record, signal });
    this.#position = offset + 1n;
    await this.#watched('storing the position', this.session.store(this.id, this.#position));
  }

  #watched<T>(what: string, step: Promise<T>): Promise<T> {
    return this.watchdog?.watch(`${what} of ${this.id.topic}/${this.id.partition}`, step) ?? step;
  }
}

const messageOf = (error: unknown): string => String((error as { message?: unknown } | undefined)?.message ?? error);
