import type { DataSourceOptions } from 'typeorm';
import { Logger } from '@nestjs/common';
import { POOL_CONNECTIONS } from './connections.js';
import { PreparingClient } from './prepared.js';

export interface ServiceDataSource {
  appUrl: string;
  schema: string;
  entities?: Exclude<DataSourceOptions['entities'], undefined>;
  /** Connections of this process. Default POOL_CONNECTIONS. */
  poolSize?: number;
}

/** For `TypeOrmModule.forRoot` and `new DataSource`: never creates or changes tables, gives up connecting after 5 s. */
export function dataSource({ appUrl, schema, entities = [], poolSize = POOL_CONNECTIONS }: ServiceDataSource) {
  const log = new Logger('database');
  return {
    type: 'postgres',
    url: appUrl,
    schema,
    entities,
    poolSize,
    applicationName: `kaika ${schema}`,
    connectTimeoutMS: 5_000,
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    // An idle connection that breaks must not end the process; the next query opens another.
    poolErrorHandler: (error: Error) => log.warn(`${schema}: connection lost: ${error.message}`),
    extra: { keepAlive: true, Client: PreparingClient },
  } as const satisfies DataSourceOptions;
}
