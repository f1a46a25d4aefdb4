export { startPostgres, type PostgresOptions, type RunningPostgres } from './start-postgres.js';
export { provision, schemaOf, ownerRole, appRole, type Passwords, type ServiceUrls } from './provision.js';
export { migrate, type Migration, type MigrateOptions } from './migrate.js';
export { DatabaseModule } from './database.module.js';
export { dataSource, type ServiceDataSource } from './data-source.js';
export { afterCommit } from './after-commit.js';
export { CLOCK_MIGRATION, setLogClock, readLogClock } from './log-clock.js';
export { isSurroundingsError } from './surroundings.js';
export { TestDatabase, withTestDatabase, type TestService } from './test-database.js';
