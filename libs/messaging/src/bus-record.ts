import type { EntityManager } from 'typeorm';

/** Octets of a record's value: what every broker takes. Nobody sends or reads a larger one. */
export const MAX_EVENT_BYTES = 900_000;

/** What travels: one event on a topic. Records of one key keep their order. */
export interface BusRecord {
  topic: string;
  /** Card number, or issuer SKI. */
  key: string;
  /** A CloudEvent as JSON. */
  value: string;
  /** The event's id; a duplicate has the same. */
  id: string;
}

/** A record on its way to a handler. */
export interface Delivery extends BusRecord {
  /** Aborted when the partition is taken away or the service stops: no further attempt, the record comes again. */
  signal?: AbortSignal;
  /** An officer replays a dead letter: its effect happens in this transaction, its failure is told here. */
  replay?: { tx: EntityManager; error?: unknown };
}

/** A record that is known to be in the log of a partition: by it a log that has been replaced is told from that one. */
export interface LogMark {
  topic: string;
  partition: number;
  offset: bigint;
  /** The broker's clock when it appended the record, milliseconds since 1970; -1: the topic does not keep it. */
  storedAtMs: number;
}

/** Where the relay sends: the embedded log, or Kafka. */
export interface EventSink {
  /**
   * Resolves when every record is stored, in this order for each key; rejects if any may not be.
   *
   * @returns the last record of each partition, from a bus that can lose a topic (`gone`)
   */
  send(records: BusRecord[]): Promise<LogMark[] | void>;
  /** Those of the marks whose log is no more: its topic was made anew, or the bus came back without it. */
  gone?(marks: readonly LogMark[]): Promise<LogMark[]>;
  /** Removes old records that every group has read, where the bus doesn't by itself. @returns how many */
  prune?(): Promise<number>;
  close(): Promise<void>;
}
