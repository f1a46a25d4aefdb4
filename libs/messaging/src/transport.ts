import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { Delivery, EventSink } from './bus-record.js';
import { EmbeddedLog } from './embedded-log.js';
import { EmbeddedLogStrategy } from './embedded-strategy.js';
import { KafkaSink } from './kafka/kafka-sink.js';
import { KafkaStrategy } from './kafka/kafka-strategy.js';
import type { Transport } from './transport-settings.js';
import type { Watchdog } from './watchdog.js';

export interface MessagingOptions {
  /** Consumer group, and the name of the relay's lock. */
  service: string;
  transport: Transport;
  /** Topics that copy a log: those a status feed lands. Default none. */
  replicated?: readonly string[];
  /** Attempts at an event before it is dead-lettered. Default 5. */
  maxAttempts?: number;
  /** How often outbox and log are looked at when nobody wakes us, milliseconds. Default 50. */
  pollMs?: number;
}

/** Nest's side of a transport: also lets a dead letter through the same handler again. */
export type BusStrategy = CustomTransportStrategy & { deliver(delivery: Delivery): Promise<void> };

export const DEFAULT_POLL_MS = 50;

/** The one place that knows which transports there are. */
export function createSink({ service, transport }: MessagingOptions): EventSink {
  return transport.kind === 'kafka' ? new KafkaSink(transport, service) : new EmbeddedLog(transport.busUrl);
}

export function createStrategy(options: MessagingOptions, watchdog: Watchdog): BusStrategy {
  const { service, transport, replicated = [], pollMs = DEFAULT_POLL_MS } = options;
  if (transport.kind === 'kafka')
    return new KafkaStrategy({ group: service, connection: transport, replicated, watchdog });
  return new EmbeddedLogStrategy({ group: service, busUrl: transport.busUrl, pollMs, watchdog });
}
