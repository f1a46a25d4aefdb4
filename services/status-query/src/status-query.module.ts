import { type DynamicModule, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { DatabaseModule } from '#libs/database';
import { TOPICS } from '#libs/events';
import { LOG } from '#libs/host';
import { MessagingModule } from '#libs/messaging';
import { DelegateStore, Responder } from '#libs/ocsp';
import { type Authority, loadAuthority } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { CertificatesController } from './certificates.controller.js';
import { AUTHORITY } from './chain.js';
import { Figures } from './figures.js';
import { CERTIFY, type Certify, DelegateKeeper } from './ocsp/delegate-keeper.js';
import { KnownCertificates } from './ocsp/known-certificates.js';
import { OcspController, oneStep } from './ocsp/ocsp.controller.js';
import { OcspService } from './ocsp/ocsp.service.js';
import { Watermarks } from './ocsp/watermarks.js';
import { Owners } from './owners.js';
import { applyStatusRows } from './read-model.js';
import { RebuildController } from './rebuild/rebuild.controller.js';
import { RebuildService } from './rebuild/rebuild.service.js';
import { SearchService } from './search.service.js';
import type { StatusQueryConfig } from './status-query.config.js';
import { StatusQueryHandlers } from './status-query.handlers.js';

@Module({})
export class StatusQueryModule implements NestModule {
  static register(config: StatusQueryConfig): DynamicModule {
    return {
      module: StatusQueryModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'status_query' }),
        MessagingModule.forService({
          service: 'status-query',
          transport: config.transport,
          replicated: [TOPICS.status],
        }),
      ],
      controllers: [CertificatesController, OcspController, RebuildController, StatusQueryHandlers],
      providers: [
        ...[SearchService, Watermarks, KnownCertificates, OcspService, DelegateKeeper, RebuildService, Figures],
        { provide: Owners, useFactory: () => new Owners(config) },
        { provide: AUTHORITY, useFactory: () => loadAuthority(config.authorityDir) },
        {
          provide: StatusFeed,
          useFactory: (source: DataSource, owners: Owners) =>
            new StatusFeed({
              source,
              apply: applyStatusRows,
              fetchRows: (after, limit) => owners.statusRows(after, limit),
            }),
          inject: [DataSource, Owners],
        },
        {
          provide: CERTIFY,
          useFactory:
            (owners: Owners): Certify =>
            (request) =>
              owners.certifyDelegate(request),
          inject: [Owners],
        },
        {
          provide: DelegateStore,
          useFactory: ({ issuing }: Authority, log: Logger) =>
            new DelegateStore({
              dir: config.ocspDir,
              issuer: issuing,
              keyKind: config.ocspKey,
              log: (line) => log.warn(line),
            }),
          inject: [AUTHORITY, LOG],
        },
        {
          provide: Responder,
          useFactory: ({ issuing }: Authority, known: KnownCertificates) =>
            new Responder({ issuer: issuing, lookup: (serials) => known.find(serials) }),
          inject: [AUTHORITY, KnownCertificates],
        },
      ],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(oneStep).forRoutes('ocsp');
  }
}
