import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { DatabaseModule } from '#libs/database';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { LOG } from '#libs/host';
import { MessagingModule, Outbox } from '#libs/messaging';
import { DualControl } from '#libs/dual-control';
import { TOPICS } from '#libs/events';
import type { Authority } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { Alarms } from './alarms.js';
import { AlarmEvents } from './alarm-events.js';
import { AlarmsController } from './alarms.controller.js';
import { CrlController } from './crl.controller.js';
import { AUTHORITY, type CrlPublisherConfig } from './crl-publisher.config.js';
import { CrlPublisherHandlers } from './crl-publisher.handlers.js';
import { CrlsController } from './crls.controller.js';
import { DifferencesController } from './differences.controller.js';
import { DueRuns } from './due-runs.js';
import { EmergencyController } from './emergency.controller.js';
import { EmergencyLists } from './emergency-lists.js';
import { Explanations } from './explanation.js';
import { HeldController } from './held.controller.js';
import { HeldLists } from './held-lists.js';
import { watchLists } from './list-metrics.js';
import { applyStatusRows } from './listings.js';
import { ListRun } from './list-run.js';
import { Midnight } from './midnight.js';
import { StatusOwner } from './owner.js';
import { PublishedLists } from './published-lists.js';
import { ServedFiles } from './served-files.js';
import { StatusLog } from './status-log.js';

@Module({})
export class CrlPublisherModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #stopWatching = () => {};

  constructor(
    private readonly midnight: Midnight,
    private readonly source: DataSource,
    private readonly feed: StatusFeed,
    private readonly files: ServedFiles,
    private readonly runs: DueRuns,
    private readonly held: HeldLists,
    private readonly clock: Clock,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  static register(config: CrlPublisherConfig, authority: Authority): DynamicModule {
    return {
      module: CrlPublisherModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'crl_publisher' }),
        MessagingModule.forService({
          service: 'crl-publisher',
          transport: config.transport,
          replicated: [TOPICS.status],
        }),
      ],
      controllers: [
        ...[CrlController, CrlsController, DifferencesController, HeldController, EmergencyController],
        ...[AlarmsController, CrlPublisherHandlers],
      ],
      providers: [
        Alarms,
        AlarmEvents,
        EmergencyLists,
        HeldLists,
        { provide: AUTHORITY, useValue: authority },
        ...parts(config, authority),
      ],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    const { source, feed, files, runs, held, clock, authority } = this;
    this.#stopWatching = watchLists({ source, feed, files, runs, held, clock, issuer: authority.issuing });
    await this.midnight.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopWatching();
    await this.midnight.stop();
  }
}

function parts(config: CrlPublisherConfig, { issuing: issuer, rootCrlFile }: Authority): Provider[] {
  return [
    {
      provide: StatusOwner,
      useFactory: () => {
        const tokens = serviceTokens(config.serviceKey, 'crl-publisher');
        return new StatusOwner(new ServiceClient(config.suspensionUrl, tokens));
      },
    },
    {
      provide: StatusFeed,
      useFactory: (source: DataSource, owner: StatusOwner, alarms: Alarms) =>
        new StatusFeed({
          source,
          apply: applyStatusRows,
          fetchRows: (after, limit) => owner.rowsAfter(after, limit),
          alarm: (error) => alarms.raise('statusLogBroken', { err: error }),
          over: () => alarms.clear('statusLogBroken'),
        }),
      inject: [DataSource, StatusOwner, Alarms],
    },
    {
      provide: StatusLog,
      useFactory: (feed: StatusFeed, source: DataSource) => new StatusLog(feed, source),
      inject: [StatusFeed, DataSource],
    },
    { provide: DueRuns, useFactory: (source: DataSource) => new DueRuns(source), inject: [DataSource] },
    {
      provide: PublishedLists,
      useFactory: (source: DataSource, runs: DueRuns, outbox: Outbox) => new PublishedLists(source, runs, outbox),
      inject: [DataSource, DueRuns, Outbox],
    },
    {
      provide: ServedFiles,
      useFactory: (lists: PublishedLists, alarms: Alarms) => new ServedFiles(config.crlDir, lists, alarms),
      inject: [PublishedLists, Alarms],
    },
    {
      provide: Explanations,
      useFactory: (source: DataSource, lists: PublishedLists, files: ServedFiles, log: StatusLog) =>
        new Explanations(source, lists, files, log),
      inject: [DataSource, PublishedLists, ServedFiles, StatusLog],
    },
    { provide: DualControl, useFactory: (clock: Clock) => new DualControl(clock), inject: [Clock] },
    {
      provide: ListRun,
      useFactory: (
        source: DataSource,
        clock: Clock,
        owner: StatusOwner,
        log: StatusLog,
        runs: DueRuns,
        emergencies: EmergencyLists,
        held: HeldLists,
        lists: PublishedLists,
        files: ServedFiles,
        alarms: Alarms,
      ) =>
        new ListRun({
          ...{ source, clock, owner, log, runs, emergencies, held, lists, files, alarms },
          issuer,
          overlapSeconds: config.overlapSeconds,
        }),
      inject: [
        ...[DataSource, Clock, StatusOwner, StatusLog, DueRuns, EmergencyLists, HeldLists],
        ...[PublishedLists, ServedFiles, Alarms],
      ],
    },
    {
      provide: Midnight,
      useFactory: (clock: Clock, run: ListRun, files: ServedFiles, alarms: Alarms, log: Logger) =>
        new Midnight({
          clock,
          issuer,
          run,
          files,
          alarms,
          log,
          jobs: config.jobs,
          rootCrlFile,
        }),
      inject: [Clock, ListRun, ServedFiles, Alarms, LOG],
    },
  ];
}
