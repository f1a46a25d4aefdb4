import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { ChildProcesses } from '../test/child-process.js';
import { serverState } from './old-server.js';
import { type PostgresOptions, startPostgres as launchPostgres } from './start-postgres.js';
import { databaseTemplate, TEST_SETTINGS } from './test-database.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'kaika-launch-'));
  cpSync(await databaseTemplate(), dataDir, { recursive: true });
});

/** As a service starts it, but for the cost of surviving a power cut. */
const startPostgres = (options: PostgresOptions) => launchPostgres({ settings: TEST_SETTINGS, ...options });

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function one(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return Object.values(rows[0] ?? {})[0];
}

/** Some other process, with `argv0` as its name on the process list. */
const bystander = (): ChildProcess => spawn('sleep', ['60'], { stdio: 'ignore' });

describe('the embedded PostgreSQL', () => {
  it('keeps data and password over a restart, and its password file to itself', async () => {
    const first = await startPostgres({ dataDir });
    await one(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await startPostgres({ dataDir });
    expect(await one(second.url, 'select answer from kept')).toBe(42);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    expect(statSync(join(dataDir, 'superuser-password')).mode & 0o777).toBe(0o600);
    expect(await one(second.url, `select string_agg(distinct address::text, ',') from pg_hba_file_rules where auth_method = 'trust'`)).toBeNull(); // prettier-ignore
    await second.stop();
  });

  it('refuses a wrong password', async () => {
    const server = await startPostgres({ dataDir });
    const url = new URL(server.url);
    url.password = 'guess';
    await expect(one(url.toString(), 'select 1')).rejects.toMatchObject({ code: '28P01' });
    await server.stop();
  });

  it('recovers by itself when the server was killed', async () => {
    const first = await startPostgres({ dataDir });
    await one(first.url, 'create table kept as select 42 as answer');
    process.kill(serverState(join(dataDir, 'pgdata'))!.pid, 'SIGKILL');
    await first.ended;
    const second = await startPostgres({ dataDir });
    expect(await one(second.url, 'select answer from kept')).toBe(42);
    await second.stop();
  });

  it('ends when its process is killed, and keeps what was committed', async () => {
    const children = new ChildProcesses(['clock', 'database']);
    for (let round = 0; round < 3; round++) {
      const { child, line: url } = await children.start('database/test/launcher-process', { dataDir });
      await one(url, 'create table if not exists kept (n int)');
      await one(url, `insert into kept values (${round})`);
      await children.kill(child);
    }
    const server = await startPostgres({ dataDir });
    expect(await one(server.url, 'select array_agg(n order by n) from kept')).toEqual([0, 1, 2]);
    await server.stop();
    await children.stop();
  });

  it('starts over a pid file whose process is now somebody else', async () => {
    await (await startPostgres({ dataDir })).stop();
    const other = bystander();
    writeFileSync(
      join(dataDir, 'pgdata', 'postmaster.pid'),
      `${other.pid}\n${dataDir}/pgdata\n0\n5432\n\n127.0.0.1\n\nready\n`,
    );
    const server = await startPostgres({ dataDir });
    expect(await one(server.url, 'select 1')).toBe(1);
    await server.stop();
    expect(other.exitCode).toBeNull();
    other.kill();
  });

  it('is not started twice on one folder, and the first one is left alone', async () => {
    const first = await startPostgres({ dataDir });
    await expect(startPostgres({ dataDir, patienceMs: 200 })).rejects.toThrow(/in use by another process/);
    expect(await one(first.url, 'select 1')).toBe(1);
    await first.stop();
  });

  it('ends a server that outlived its process, and waits for it', async () => {
    const first = await startPostgres({ dataDir });
    await one(first.url, 'create table kept as select 42 as answer');
    const options = join(dataDir, 'pgdata', 'postmaster.opts');
    writeFileSync(options, readFileSync(options, 'utf8').replace(/kaika\.launcher=\d+/, 'kaika.launcher=999999'));
    const lines: string[] = [];
    const second = await startPostgres({ dataDir, log: (line) => lines.push(line) });
    await first.ended;
    expect(lines.join()).toMatch(/outlived its process/);
    expect(await one(second.url, 'select answer from kept')).toBe(42);
    await second.stop();
  });

  it('waits while a server that was told to end is still ending', async () => {
    const first = await startPostgres({ dataDir });
    const stopping = first.stop();
    const second = await startPostgres({ dataDir });
    await stopping;
    expect(await one(second.url, 'select 1')).toBe(1);
    await second.stop();
  });

  it('starts over what a first start left that was killed half-way', async () => {
    rmSync(join(dataDir, 'pgdata'), { recursive: true });
    mkdirSync(join(dataDir, 'pgdata.new'));
    writeFileSync(join(dataDir, 'pgdata.new', 'PG_VERSION'), '18');
    const server = await launchPostgres({ dataDir });
    expect(await one(server.url, 'select 1')).toBe(1);
    expect(readdirSync(dataDir)).not.toContain('pgdata.new');
    await server.stop();
  });

  it('says so when the port is taken', async () => {
    const first = await startPostgres({ dataDir });
    const other = mkdtempSync(join(tmpdir(), 'kaika-launch-'));
    cpSync(await databaseTemplate(), other, { recursive: true });
    const second = startPostgres({ dataDir: other, port: first.port, patienceMs: 300 });
    await expect(second).rejects.toThrow(/did not start[\s\S]*Address already in use/);
    await first.stop();
    rmSync(other, { recursive: true, force: true });
  });
});
