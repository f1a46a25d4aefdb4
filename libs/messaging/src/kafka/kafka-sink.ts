import type { Producer, ProducerBatch, RecordMetadata } from 'kafkajs';
import type { BusRecord, EventSink, LogMark } from '../bus-record.js';
import { partitionOf } from '../partitions.js';
import type { KafkaConnection } from '../transport-settings.js';
import { kafkaClient } from './client.js';
import { grouped } from './grouped.js';
import { LogWatch } from './log-watch.js';

/** Names of a record's headers. The value is a CloudEvent in structured mode (CloudEvents Kafka binding 1.0.2, §3.3). */
export const CONTENT_TYPE = 'content-type';
export const EVENT_ID = 'ce_id';
const CLOUD_EVENT = 'application/cloudevents+json';

/** Octets of records in one request: a broker's limit for a batch (max.message.bytes) is 1,048,588. */
const MAX_REQUEST_BYTES = 1_000_000;
const RECORD_OVERHEAD_BYTES = 200;
const ACK_TIMEOUT_MS = 8_000;

/**
 * Sends to Kafka; all is stored on every replica in sync before `send` resolves. Not the idempotent producer, which
 * retries for ever: the relay sends a failed batch again as it was, so what comes late from an abandoned connection are
 * duplicates of what is stored already, and consumers know those.
 */
export class KafkaSink implements EventSink {
  readonly #watch: LogWatch;
  #producer: Promise<Producer> | undefined;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly name: string,
  ) {
    this.#watch = new LogWatch(connection, name);
  }

  async send(records: BusRecord[]): Promise<LogMark[]> {
    const marks = new Map<string, LogMark>();
    for (const request of inRequests(records)) {
      for (const mark of await this.#sendOne(request)) marks.set(`${mark.topic}/${mark.partition}`, mark);
    }
    return [...marks.values()];
  }

  /** With a connection that is ready: between the answer and what is sent upon it there is one request, and no more. */
  async gone(marks: readonly LogMark[]): Promise<LogMark[]> {
    const topics = [...new Set(marks.map(({ topic }) => topic))];
    await this.#produce({ topicMessages: topics.map((topic) => ({ topic, messages: [] })) });
    return this.#watch.gone(marks);
  }

  async close(): Promise<void> {
    await Promise.all([this.#watch.close(), this.#disconnect()]);
  }

  async #sendOne(records: BusRecord[]): Promise<LogMark[]> {
    const placed = [...grouped(records, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
      topic,
      messages: ofTopic.map(({ key, value, id }) => ({
        ...{ key, value, partition: partitionOf(key) },
        headers: { [CONTENT_TYPE]: CLOUD_EVENT, [EVENT_ID]: id },
      })),
    }));
    const acks = await this.#produce({ acks: -1, timeout: ACK_TIMEOUT_MS, topicMessages: placed });
    return placed.flatMap(({ topic, messages }) =>
      [...grouped(messages, ({ partition }) => partition)].map(([partition, { length }]) => {
        const ack = acks.find((one) => one.topicName === topic && one.partition === partition);
        // kafkajs leaves out, without an error, what is for a partition that the topic does not have.
        if (ack?.baseOffset === undefined) throw new Error(`${topic} has no partition ${partition}`);
        const storedAtMs = Number(ack.logAppendTime ?? -1);
        return { topic, partition, offset: BigInt(ack.baseOffset) + BigInt(length - 1), storedAtMs };
      }),
    );
  }

  /** After an error with a new connection. */
  async #produce(batch: ProducerBatch): Promise<RecordMetadata[]> {
    const producer = (this.#producer ??= this.#connect());
    try {
      return await (await producer).sendBatch(batch);
    } catch (error) {
      if (this.#producer === producer) void this.#disconnect();
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    // Not once more within a call: a topic may have been made anew since the relay looked at it.
    const producer = (await kafkaClient(this.connection, this.name, 0)).producer({
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition!,
    });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      void producer.disconnect().catch(() => {});
      throw error;
    }
  }

  async #disconnect(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await (await producer?.catch(() => undefined))?.disconnect().catch(() => {});
  }
}

/** In their order; an event is at most 900,000 octets, so one always fits. */
function inRequests(records: BusRecord[]): BusRecord[][] {
  const requests: BusRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = Buffer.byteLength(record.value) + Buffer.byteLength(record.key) + RECORD_OVERHEAD_BYTES;
    if (bytes + size > MAX_REQUEST_BYTES) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)!.push(record);
    bytes += size;
  }
  return requests;
}
