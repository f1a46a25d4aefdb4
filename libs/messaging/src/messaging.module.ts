import { type DynamicModule, Inject, type INestApplicationContext, Module, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common'; // prettier-ignore
import { ModulesContainer } from '@nestjs/core';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { Clock } from '#libs/clock';
import { databaseAnswers } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import type { EventSink } from './bus-record.js';
import { Consumer } from './consumer.js';
import { DeadLetters } from './dead-letters.js';
import { deadLettersController } from './dead-letters.controller.js';
import { Discards } from './discards.js';
import { watchMessaging } from './figures.js';
import { Outbox } from './outbox.js';
import { Pruner } from './pruner.js';
import { Relay } from './relay.js';
import { type BusStrategy, createSink, createStrategy, DEFAULT_POLL_MS, type MessagingOptions } from './transport.js';
import { ON_STANDSTILL, type OnStandstill, Watchdog } from './watchdog.js';

/** Injects the service's way to the bus past the outbox: `@Inject(EVENT_SINK) sink: EventSink`. For what may be lost. */
export const EVENT_SINK = Symbol('kaika:event-sink');
const STRATEGY = Symbol('kaika:bus-strategy');
const OPTIONS = Symbol('kaika:messaging-options');

/** Sending and receiving of one service; wants a `Clock`, and a `DataSource` whose schema has MESSAGING_MIGRATIONS. */
@Module({})
export class MessagingModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #unwatch = (): void => {};

  constructor(
    private readonly relay: Relay,
    private readonly outbox: Outbox,
    private readonly source: DataSource,
    private readonly consumer: Consumer,
    private readonly pruner: Pruner,
    private readonly watchdog: Watchdog,
    @Inject(EVENT_SINK) private readonly sink: EventSink,
    @Inject(OPTIONS) private readonly options: MessagingOptions,
  ) {}

  static forService(options: MessagingOptions): DynamicModule {
    const { service, pollMs = DEFAULT_POLL_MS, replicated = [], maxAttempts = 5 } = options;
    return {
      module: MessagingModule,
      global: true,
      controllers: [deadLettersController(service)],
      providers: [
        Outbox,
        { provide: OPTIONS, useValue: options },
        { provide: EVENT_SINK, useFactory: () => createSink(options) },
        {
          provide: Watchdog,
          useFactory: (source: DataSource, onStandstill: OnStandstill = () => {}) =>
            new Watchdog({ answers: () => databaseAnswers(urlOf(source.options)), onStandstill }),
          inject: [DataSource, { token: ON_STANDSTILL, optional: true }],
        },
        {
          provide: STRATEGY,
          useFactory: (watchdog: Watchdog) => createStrategy(options, watchdog),
          inject: [Watchdog],
        },
        {
          provide: Relay,
          useFactory: (source: DataSource, sink: EventSink) =>
            new Relay({ service, url: urlOf(source.options), sink, pollMs }),
          inject: [DataSource, EVENT_SINK],
        },
        {
          provide: Consumer,
          useFactory: (source: DataSource, watchdog: Watchdog) =>
            new Consumer(source, { service, replicated, maxAttempts, watchdog }),
          inject: [DataSource, Watchdog],
        },
        {
          provide: DeadLetters,
          useFactory: (source: DataSource, strategy: BusStrategy) =>
            new DeadLetters(source, (delivery) => strategy.deliver(delivery)),
          inject: [DataSource, STRATEGY],
        },
        {
          provide: Discards,
          useFactory: (source: DataSource, letters: DeadLetters, clock: Clock) =>
            new Discards(source, letters, new DualControl(clock)),
          inject: [DataSource, DeadLetters, Clock],
        },
        {
          provide: Pruner,
          useFactory: (source: DataSource, sink: EventSink) => new Pruner(source, sink),
          inject: [DataSource, EVENT_SINK],
        },
      ],
      exports: [EVENT_SINK, Outbox, Relay, Consumer, DeadLetters],
    };
  }

  onApplicationBootstrap(): void {
    const { source, consumer, relay } = this;
    this.outbox.onCommit(() => relay.wake());
    relay.start();
    this.pruner.start();
    this.watchdog.start();
    this.#unwatch = watchMessaging(this.options.service, { source, consumer, relay });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#unwatch();
    await Promise.all([this.watchdog.stop(), this.pruner.stop(), this.relay.stop()]);
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
