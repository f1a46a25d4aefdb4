import { createHash } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import type { BusRecord } from '../bus-record.js';
import { EVENT_ID } from './kafka-sink.js';

/** A record as it was read. */
export interface KafkaRecord extends BusRecord {
  partition: number;
  offset: bigint;
  /** When the broker appended it, milliseconds since 1970; -1: the topic keeps another time. */
  storedAtMs: number;
}

/** What kafkajs adds to a message and does not declare. */
interface WithBatch {
  batchContext?: { timestampType?: number };
}

const LOG_APPEND_TIME = 1;

/** Whoever may write to a topic can write anything: a record without key, value or our headers is read as well. */
export function kafkaRecord(topic: string, partition: number, message: KafkaMessage): KafkaRecord {
  const key = message.key?.toString() ?? '';
  const value = message.value?.toString() ?? '';
  const byBroker = (message as WithBatch).batchContext?.timestampType === LOG_APPEND_TIME;
  return {
    ...{ topic, partition, key, value },
    id: [message.headers?.[EVENT_ID]].flat()[0]?.toString() ?? contentId(key, value),
    offset: BigInt(message.offset),
    storedAtMs: byBroker ? Number(message.timestamp) : -1,
  };
}

/** A duplicate has the same. */
function contentId(key: string, value: string): string {
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([key, value]))
    .digest('hex')}`;
}
