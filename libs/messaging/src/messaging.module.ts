import { type DynamicModule, Inject, type INestApplicationContext, Module, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common'; // prettier-ignore
import { ModulesContainer } from '@nestjs/core';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { EventSink } from './bus-record.js';
import { Consumer } from './consumer.js';
import { DeadLetters } from './dead-letters.js';
import { Outbox } from './outbox.js';
import { Relay } from './relay.js';
import { type BusStrategy, createSink, createStrategy, DEFAULT_POLL_MS, type MessagingOptions } from './transport.js';

const STRATEGY = Symbol('kaika:bus-strategy');
/** Injects the service's way to the bus past the outbox: `@Inject(EVENT_SINK) sink: EventSink`. For what may be lost. */
export const EVENT_SINK = Symbol('kaika:event-sink');

/** Sending and receiving of one service; wants a `DataSource` whose schema has MESSAGING_MIGRATIONS. */
@Module({})
export class MessagingModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly relay: Relay,
    private readonly outbox: Outbox,
    @Inject(EVENT_SINK) private readonly sink: EventSink,
  ) {}

  static forService(options: MessagingOptions): DynamicModule {
    const pollMs = options.pollMs ?? DEFAULT_POLL_MS;
    const consumer = { neverDeadLetter: options.neverDeadLetter ?? [], maxAttempts: options.maxAttempts ?? 5 };
    return {
      module: MessagingModule,
      global: true,
      providers: [
        { provide: EVENT_SINK, useFactory: () => createSink(options) },
        { provide: STRATEGY, useFactory: () => createStrategy(options) },
        Outbox,
        {
          provide: Relay,
          useFactory: (source: DataSource, sink: EventSink) =>
            new Relay({ service: options.service, url: urlOf(source.options), sink, pollMs }),
          inject: [DataSource, EVENT_SINK],
        },
        {
          provide: Consumer,
          useFactory: (source: DataSource) => new Consumer(source, consumer),
          inject: [DataSource],
        },
        {
          provide: DeadLetters,
          useFactory: (source: DataSource, strategy: BusStrategy) =>
            new DeadLetters(source, (delivery) => strategy.deliver(delivery)),
          inject: [DataSource, STRATEGY],
        },
      ],
      exports: [EVENT_SINK, Outbox, Relay, Consumer, DeadLetters],
    };
  }

  onApplicationBootstrap(): void {
    this.outbox.onCommit(() => this.relay.wake());
    this.relay.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.sink.close();
  }
}

/**
 * The transport of an application that imports `MessagingModule`, else undefined. Before `app.init()`:
 * `app.connectMicroservice({ strategy })`; after it, not awaited: `app.startAllMicroservices()`.
 */
export function strategyOf(app: INestApplicationContext): BusStrategy | undefined {
  const has = [...app.get(ModulesContainer).values()].some(({ metatype }) => metatype === MessagingModule);
  return has ? app.get<BusStrategy>(STRATEGY, { strict: false }) : undefined;
}

function urlOf(options: DataSourceOptions): string {
  if (options.type !== 'postgres' || !options.url) throw new Error('the relay needs a postgres data source with a url');
  return options.url;
}
