import type { Logger } from '@nestjs/common';
import { sleep } from '#libs/clock';
import type { Delivery, LogMark } from '../bus-record.js';
import { WakeUp } from '../wake-up.js';
import { messageOf } from './client.js';
import type { KafkaRecord } from './kafka-record.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const IDLE_MS = 60_000;
/** Fetched records that wait in memory, of one partition: beyond the upper it is not fetched, below the lower again. */
const MANY = { records: 500, bytes: 4_000_000 };
const FEW = { records: 100, bytes: 800_000 };
/** For so long after it was seen to be the same, a log is taken for the same: it cannot be deleted and outgrown faster. */
const SAME_FOR_MS = 500;

export interface PartitionOwner {
  handle(delivery: Delivery): Promise<void>;
  /** Fetch this partition, or don't for now. */
  flow(queue: PartitionQueue, open: boolean): void;
  /** Read on from this offset. */
  seek(queue: PartitionQueue, offset: bigint): void;
  /** A record has been dealt with: `queue.mark` has moved. */
  moved(): void;
  gone(marks: readonly LogMark[]): Promise<LogMark[]>;
}

/**
 * Records of one partition between the fetch and their handler, one after the other, the next only when one is dealt
 * with; of a topic that copies a log, where order says nothing, some at once. Fetching does not wait for it: kafkajs would hold back every partition, and its heartbeats, for the slowest.
 */
export class PartitionQueue {
  readonly #stop = new AbortController();
  readonly #news = new WakeUp();
  readonly #done: Promise<void>;
  #waiting: KafkaRecord[] = [];
  #bytes = 0;
  #open = true;
  #sameAt = -Infinity;
  /** Where the next fetched record must be, if that is known. */
  #next: bigint | undefined;
  #sought: bigint | undefined;

  /**
   * @param position where the group goes on, if it has read any
   * @param mark the record before that
   * @param atOnce how many records are handled at the same time
   * @param before ends when this partition's last handler of an earlier generation has
   */
  constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly owner: PartitionOwner,
    private readonly log: Logger,
    position: bigint | undefined,
    public mark: LogMark | undefined,
    private readonly atOnce: number,
    before: Promise<void> | undefined,
  ) {
    this.#next = position;
    this.#done = (before ?? Promise.resolve()).then(() => this.#run());
  }

  /** Takes what was fetched. What does not follow on what came before is asked for anew, once. */
  push(records: KafkaRecord[]): void {
    const first = records[0]?.offset;
    if (first === undefined || this.#stop.signal.aborted) return;
    if (this.#next !== undefined && first > this.#next) {
      if (this.#sought !== this.#next) {
        this.#sought = this.#next;
        return this.owner.seek(this, this.#next);
      }
      this.log.warn(`${this.name}: records ${this.#next} to ${first - 1n} are gone unread`);
    }
    this.#sought = undefined;
    this.#next = records.at(-1)!.offset + 1n;
    this.#waiting.push(...records);
    this.#bytes += records.reduce((sum, { value }) => sum + value.length, 0);
    if (this.#open && this.#exceeds(MANY)) this.#flow(false);
    this.#news.wake();
  }

  /** Lets the handler that runs finish, then returns; no further record is begun. */
  stop(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  /** Looks whether the log is still the one that was read; if not, it is read from its start. */
  async check(): Promise<void> {
    const { mark } = this;
    if (!mark || (await this.owner.gone([mark])).length === 0) return void (this.#sameAt = performance.now());
    if (this.mark?.offset !== mark.offset || this.#stop.signal.aborted) return;
    this.log.warn(`${this.name} is another log than the one read up to ${mark.offset}: it is read from its start`);
    this.mark = undefined;
    this.#waiting = [];
    this.#bytes = 0;
    this.#next = 0n;
    this.#sought = undefined;
    this.owner.seek(this, 0n);
    this.#flow(true);
  }

  get name(): string {
    return `${this.topic}/${this.partition}`;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      const record = this.#waiting[0];
      if (!record) {
        await this.#news.wait(IDLE_MS, signal);
        continue;
      }
      try {
        if (this.mark && performance.now() - this.#sameAt > SAME_FOR_MS) await this.check();
        if (this.#waiting[0] !== record || signal.aborted) continue;
        const records = this.#waiting.slice(0, this.atOnce);
        await Promise.all(records.map((one) => this.owner.handle(this.#delivery(one, signal))));
        failures = 0;
        for (const one of records) this.#took(one);
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ % 20 === 0) this.log.warn(`${this.name} waits at ${record.offset}: ${messageOf(error)}`);
        await sleep(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), signal);
      }
    }
  }

  #delivery({ topic, key, value, id }: KafkaRecord, signal: AbortSignal): Delivery {
    return { topic, key, value, id, signal };
  }

  #took(record: KafkaRecord): void {
    if (this.#waiting[0] !== record) return; // it is read from its start, meanwhile
    this.#waiting.shift();
    this.#bytes -= record.value.length;
    const { topic, partition, offset, storedAtMs } = record;
    this.mark = { topic, partition, offset, storedAtMs };
    this.owner.moved();
    if (!this.#open && !this.#exceeds(FEW)) this.#flow(true);
  }

  #flow(open: boolean): void {
    if (this.#open !== open) this.owner.flow(this, open);
    this.#open = open;
  }

  #exceeds({ records, bytes }: typeof MANY): boolean {
    return this.#waiting.length > records || this.#bytes > bytes;
  }
}
