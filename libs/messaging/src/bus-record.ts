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

/** Where the relay sends: the embedded log, or Kafka. */
export interface EventSink {
  /** Resolves when every record is stored, in this order for each key; rejects if any may not be. */
  send(records: BusRecord[]): Promise<void>;
  /** Removes old records that every group has read, where the bus doesn't by itself. @returns how many */
  prune?(): Promise<number>;
  close(): Promise<void>;
}
