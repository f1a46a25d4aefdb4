import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { dataSource } from './data-source.js';
import { migrate, type Migration } from './migrate.js';
import { provision, schemaOf, type ServiceUrls } from './provision.js';
import { type RunningPostgres, startPostgres } from './start-postgres.js';

/** Tests don't survive a power cut, so they needn't pay for it. */
export const TEST_SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',

  shared_buffers: '32MB',
};
const PATIENCE_MS = 120_000;

export interface TestService extends ServiceUrls {
  schema: string;
  /** Open, with the application role; closed after the tests. */
  source: DataSource;
}

/** A PostgreSQL of its own for one test file. */
export class TestDatabase {
  #server?: RunningPostgres;
  #dataDir = '';
  readonly #sources: DataSource[] = [];

  /** Superuser. */
  get url(): string {
    return this.server.url;
  }

  get server(): RunningPostgres {
    if (!this.#server) throw new Error('the test database runs from beforeAll to afterAll');
    return this.#server;
  }

  /** Roles and schema of a service, migrated, and a data source on it. */
  async service(
    name: string,
    migrations: Migration[],
    entities: DataSourceOptions['entities'] = [],
  ): Promise<TestService> {
    const urls = await provision(this.url, name, { owner: 'owner-password', app: 'app-password' });
    const schema = schemaOf(name);
    await migrate({ ownerUrl: urls.ownerUrl, schema, migrations });
    return { ...urls, schema, source: await this.open(urls.appUrl, schema, entities) };
  }

  /** Another data source, as of a second process. */
  async open(appUrl: string, schema: string, entities: DataSourceOptions['entities'] = []): Promise<DataSource> {
    const source = await new DataSource(dataSource({ appUrl, schema, entities })).initialize();
    this.#sources.push(source);
    return source;
  }

  async start(): Promise<void> {
    // Tests stop their server while others use it: that connections are lost is no news.
    Logger.overrideLogger(['error', 'fatal']);
    this.#dataDir = mkdtempSync(join(tmpdir(), 'kaika-test-'));
    cpSync(await databaseTemplate(), this.#dataDir, { recursive: true });
    await this.restart();
  }

  /** Starts again after `server.stop()`, on the same port. */
  async restart(): Promise<void> {
    const port = this.#server?.port;
    this.#server = await startPostgres({ dataDir: this.#dataDir, settings: TEST_SETTINGS, ...(port && { port }) });
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#sources.filter((s) => s.isInitialized).map((s) => s.destroy()));
    await this.#server?.stop();
    if (this.#dataDir) rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

/** A database that was created once for all test runs of this user: copying it is far quicker than initdb. */
export async function databaseTemplate(): Promise<string> {
  const folder = join(tmpdir(), `kaika-test-template-18.4-${process.getuid?.() ?? 0}`);
  if (existsSync(folder)) return folder;
  const fresh = mkdtempSync(join(tmpdir(), 'kaika-test-'));
  await (await startPostgres({ dataDir: fresh, settings: TEST_SETTINGS })).stop();
  try {
    renameSync(fresh, folder);
  } catch {
    rmSync(fresh, { recursive: true, force: true }); // another test process was quicker
  }
  return folder;
}

type Hook = (work: () => Promise<void>, timeoutMs: number) => void;

/** For jest: one server from `beforeAll` to `afterAll` of the file (or `describe`) that calls it. */
export function withTestDatabase(): TestDatabase {
  const { beforeAll, afterAll } = globalThis as unknown as { beforeAll: Hook; afterAll: Hook };
  const database = new TestDatabase();
  beforeAll(() => database.start(), PATIENCE_MS);
  afterAll(() => database.stop(), PATIENCE_MS);
  return database;
}
