import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { DatabaseModule } from '#libs/database';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { statusRow, type StatusRow, TOPICS } from '#libs/events';
import { MessagingModule } from '#libs/messaging';
import { loadAuthority } from '#libs/pki';
import { StatusFeed } from '#libs/status-feed';
import { CertificatesController } from './certificates.controller.js';
import { AUTHORITY } from './chain.js';
import { applyStatusRow } from './read-model.js';
import { SearchService } from './search.service.js';
import type { StatusQueryConfig } from './status-query.config.js';
import { StatusQueryHandlers } from './status-query.handlers.js';

const statusLog = z.object({ epoch: z.uuid(), rows: z.array(statusRow) });

@Module({})
export class StatusQueryModule {
  static register(config: StatusQueryConfig): DynamicModule {
    return {
      module: StatusQueryModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'status_query' }),
        MessagingModule.forService({
          service: 'status-query',
          transport: { kind: 'embedded', busUrl: config.busUrl },
          neverDeadLetter: [TOPICS.status],
        }),
      ],
      controllers: [CertificatesController, StatusQueryHandlers],
      providers: [
        SearchService,
        { provide: AUTHORITY, useFactory: () => loadAuthority(config.authorityDir) },
        {
          provide: StatusFeed,
          useFactory: (source: DataSource) =>
            new StatusFeed({ source, apply: applyStatusRow, fetchRows: rowsOfOwner(config) }),
          inject: [DataSource],
        },
      ],
    };
  }
}

/** The owner of the log, for rows the bus did not bring. */
function rowsOfOwner(config: StatusQueryConfig): (after: number, limit: number) => Promise<StatusRow[]> {
  const tokens = serviceTokens(config.serviceKey, config.tokenIssuer, 'status-query');
  const suspension = new ServiceClient(config.suspensionUrl, tokens);
  return async (after, limit) => {
    const { rows } = await suspension.call('GET', `/api/v1/status-log?after=${after}&limit=${limit}`, statusLog);
    return rows;
  };
}
