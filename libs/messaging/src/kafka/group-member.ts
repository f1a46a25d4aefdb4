import type { Logger } from '@nestjs/common';
import type { Consumer, EachBatchPayload, IMemberAssignment, TopicPartitionOffsetAndMetadata } from 'kafkajs';
import { sleep } from '#libs/clock';
import type { Delivery } from '../bus-record.js';
import { PARTITIONS } from '../partitions.js';
import type { KafkaConnection } from '../transport-settings.js';
import { kafkaClient, messageOf } from './client.js';
import { kafkaRecord } from './kafka-record.js';
import { LogWatch } from './log-watch.js';
import { PartitionQueue, type PartitionOwner } from './partition-queue.js';

export interface GroupMemberOptions {
  connection: KafkaConnection;
  group: string;
  topics: string[];
  /** Those of them that copy a log: their records may be handled in any order. */
  replicated: readonly string[];
  handle(delivery: Delivery): Promise<void>;
  log: Logger;
}

/** A killed member's partitions are with the others after this. The least that brokers allow by default. */
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 1_500;
const REBALANCE_MS = 10_000;
/** A fetch waits so long for a record. An end, a heartbeat or a partition that is fetched again wait for it, too. */
const FETCH_WAIT_MS = 250;
/** What fetches bring is gathered for so long, unless it is many records at a time. */
const GATHER_MS = 40;
const FEW = 100;
/** Records of one partition of a replicated topic that are handled at the same time. */
const AT_ONCE = 16;
/** Positions are stored at most so often; what was dealt with since then comes again after a crash. */
const COMMIT_EVERY_MS = 100;
const LOOK_EVERY_MS = 10_000;
const CLOSE_PATIENCE_MS = 12_000;

/** With each position: when its last record was stored. By it a log that has been replaced is told (`LogWatch`). */
const NOTE = /^stored-at=(-?\d+)$/;

/**
 * One life of a member of a consumer group: from joining it until it is closed, or has ended by itself.
 *
 * kafkajs fetches, keeps the membership and balances; records are handled beside it (`PartitionQueue`), and positions
 * stored by us. It takes partitions away without waiting for their handlers: the new owner may take up a record while
 * it is still being handled here. The inbox makes that harmless: it begins at that record or before, waits for our
 * transaction at the event's row, and we take up no further one.
 */
export class GroupMember implements PartitionOwner {
  readonly #watch: LogWatch;
  readonly #ended: Promise<never>;
  #end!: (why: Error) => void;
  #consumer: Consumer | undefined;
  #queues = new Map<string, PartitionQueue>();
  #opened: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  /** Number of the generation; what was handled in an earlier one is not ours to commit. */
  #generation = 0;
  #committing: Promise<void> | undefined;
  readonly #committed = new Map<string, bigint>();
  /** Grows as long as fetches come back, and with the first one this member is at work. */
  fetches = 0;

  constructor(private readonly options: GroupMemberOptions) {
    this.#watch = new LogWatch(options.connection, options.group);
    this.#ended = new Promise((_, fail) => (this.#end = fail));
    this.#ended.catch(() => {});
  }

  /** Partitions that this member owns now, as `topic/partition`. */
  get owned(): string[] {
    return [...this.#queues.keys()];
  }

  /** Until `signal`: then the handlers under way are finished, positions stored, the group is left. @throws what ended it */
  async run(signal: AbortSignal): Promise<void> {
    let stop: () => void = () => {};
    const stopped = new Promise<void>((done) => signal.addEventListener('abort', (stop = () => done())));
    try {
      if (!signal.aborted) await Promise.race([this.#join().then(() => this.#look()), this.#ended, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#close();
    }
  }

  /** Ends it, as if it had by itself. */
  abandon(reason: string): void {
    this.#end(new Error(reason));
  }

  async #join(): Promise<void> {
    const { connection, group, topics } = this.options;
    const kafka = await kafkaClient(connection, group);
    const consumer = kafka.consumer({
      ...{ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: FETCH_WAIT_MS },
      ...{ sessionTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS, rebalanceTimeout: REBALANCE_MS },
      retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: () => Promise.resolve(false) },
    });
    this.#consumer = consumer;
    consumer.on('consumer.crash', ({ payload: { error } }) => this.#end(error as Error));
    consumer.on('consumer.fetch', () => void this.fetches++);
    consumer.on('consumer.rebalancing', () => this.#leavePartitions());
    consumer.on('consumer.group_join', ({ payload }) => this.#takePartitions(payload.memberAssignment));
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: PARTITIONS * topics.length,
      eachBatch: (payload) => this.#fetched(payload),
    });
  }

  async #fetched({ batch }: EachBatchPayload): Promise<void> {
    await this.#opened;
    if (this.#stop.signal.aborted) return;
    const { topic, partition, messages } = batch;
    const queue = this.#queues.get(`${topic}/${partition}`);
    if (!queue) throw new Error(`${topic}/${partition} is not known to be ours`); // kafkajs fetches it again
    queue.push(messages.map((message) => kafkaRecord(topic, partition, message)));
    // kafkajs fetches again when this ends: a record that comes alone is handled at once, of many a fetch brings more than one.
    if (messages.length < FEW) await sleep(GATHER_MS, this.#stop.signal);
  }

  /** No further record is begun. */
  #leavePartitions(): Promise<void>[] {
    return [...this.#queues.values()].map((queue) => queue.stop());
  }

  #takePartitions(assignment: IMemberAssignment): void {
    // kafkajs can't be stopped in the midst of joining: it is once it has.
    if (this.#stop.signal.aborted) return void this.#consumer?.disconnect().catch(() => {});
    const before = new Map([...this.#queues].map(([name, queue]) => [name, queue.stop()]));
    this.#generation++;
    this.#queues = new Map();
    this.#committed.clear();
    this.#opened = this.#open(assignment, before, this.#generation);
    this.#opened.catch((error: unknown) => this.#end(error as Error));
  }

  async #open(assignment: IMemberAssignment, before: Map<string, Promise<void>>, generation: number): Promise<void> {
    const { group, log } = this.options;
    const positions = await this.#watch.positions(group, Object.keys(assignment));
    if (generation !== this.#generation || this.#stop.signal.aborted) return;
    const paused = this.#consumer?.paused() ?? [];
    if (paused.length > 0) this.#consumer?.resume(paused);
    for (const { topic, partitions } of positions) {
      for (const { partition, offset, metadata } of partitions) {
        if (!assignment[topic]?.includes(partition)) continue;
        const position = Number(offset) >= 0 ? BigInt(offset) : undefined;
        const storedAtMs = Number(NOTE.exec(metadata ?? '')?.[1] ?? NaN);
        const mark = position && !Number.isNaN(storedAtMs) ? { topic, partition, offset: position - 1n, storedAtMs } : undefined; // prettier-ignore
        const name = `${topic}/${partition}`;
        if (mark) this.#committed.set(name, mark.offset);
        const atOnce = this.options.replicated.includes(topic) ? AT_ONCE : 1;
        this.#queues.set(name, new PartitionQueue(topic, partition, this, log, position, mark, atOnce, before.get(name))); // prettier-ignore
      }
    }
  }

  /** A partition that brings nothing is looked at, too: its log may be another one that ends where we stopped. */
  async #look(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(LOOK_EVERY_MS, signal);
      if (!signal.aborted) await Promise.allSettled([...this.#queues.values()].map((queue) => queue.check()));
    }
  }

  handle(delivery: Delivery): Promise<void> {
    return this.options.handle(delivery);
  }

  flow({ topic, partition }: PartitionQueue, open: boolean): void {
    const partitions = [{ topic, partitions: [partition] }];
    if (open) this.#consumer?.resume(partitions);
    else this.#consumer?.pause(partitions);
  }

  seek({ topic, partition }: PartitionQueue, offset: bigint): void {
    this.#consumer?.seek({ topic, partition, offset: String(offset) });
  }

  gone(marks: Parameters<LogWatch['gone']>[0]) {
    return this.#watch.gone(marks);
  }

  moved(): void {
    this.#committing ??= this.#commitLater().finally(() => (this.#committing = undefined));
  }

  async #commitLater(): Promise<void> {
    do await sleep(COMMIT_EVERY_MS);
    while (!this.#stop.signal.aborted && !(await this.#commit()));
  }

  /** @returns whether nothing is left to store */
  async #commit(): Promise<boolean> {
    const generation = this.#generation;
    const moved: TopicPartitionOffsetAndMetadata[] = [];
    for (const { name, mark } of this.#queues.values()) {
      if (!mark || this.#committed.get(name) === mark.offset) continue;
      const { topic, partition, offset, storedAtMs } = mark;
      moved.push({ topic, partition, offset: String(offset + 1n), metadata: `stored-at=${storedAtMs}` });
    }
    if (moved.length === 0) return true;
    try {
      await this.#consumer?.commitOffsets(moved);
    } catch (error) {
      this.options.log.debug(`positions are stored later: ${messageOf(error)}`);
      return false;
    }
    if (generation !== this.#generation) return false;
    for (const { topic, partition, offset } of moved) this.#committed.set(`${topic}/${partition}`, BigInt(offset) - 1n);
    return [...this.#queues.values()].every(({ name, mark }) => !mark || this.#committed.get(name) === mark.offset);
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#leavePartitions());
    const leave = async () => {
      await this.#committing;
      await this.#commit();
      await this.#consumer?.disconnect();
    };
    const left = new AbortController();
    const leaving = leave()
      .catch(() => {})
      .finally(() => left.abort());
    // kafkajs waits for answers of a broker that may be gone.
    await Promise.race([leaving, sleep(CLOSE_PATIENCE_MS, left.signal)]);
    await this.#watch.close();
  }
}
