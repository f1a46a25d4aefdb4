import { type DynamicModule, Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { dataSource, type ServiceDataSource } from './data-source.js';

/**
 * A service's own data source, injected as `DataSource`. It is named after its schema, since the applications of one
 * process share TypeORM's list of names.
 */
@Module({})
export class DatabaseModule {
  static forService(options: ServiceDataSource): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSource(options), name: options.schema })],
      providers: [{ provide: DataSource, useExisting: getDataSourceToken(options.schema) }],
      exports: [DataSource],
    };
  }
}
