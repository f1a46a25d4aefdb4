import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { sleep } from '#libs/clock';
import { awaitOldServer, serverState } from './old-server.js';
import { type Binaries, commandPrefix, findBinaries } from './postgres-binaries.js';

export interface PostgresOptions {
  /** Holds `pgdata/`, `superuser-password` (0600) and `server.log`; made when missing. */
  dataDir: string;
  /** Default: any free port. */
  port?: number;
  log?: (line: string) => void;
  /** Server settings besides ours, e.g. `{ fsync: 'off' }` for tests. */
  settings?: Record<string, string>;
  /** How long another process that still uses the folder may take to leave it. Default 15 s. */
  patienceMs?: number;
}

export interface RunningPostgres {
  /** Superuser, with its password, on 127.0.0.1. */
  url: string;
  port: number;
  /** Fast shutdown; resolves when the server has ended. */
  stop(): Promise<void>;
  /** Resolves when the server has ended, asked to or not. */
  ended: Promise<void>;
}

const FOLDER_SETTINGS = ['--username=postgres', '--auth=scram-sha-256', '--encoding=UTF8', '--no-instructions', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']; // prettier-ignore
const SERVER_SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/**
 * Starts the PostgreSQL of the npm package on `dataDir`, creating the database at the first start. A server left by a
 * killed process is waited for; what the kill interrupted, PostgreSQL recovers from its log. It ends with this process.
 *
 * @throws Error saying what to do: no binaries, root without user namespaces, folder of another user or in use
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(options.dataDir);
  const log = options.log ?? (() => {});
  const binaries = findBinaries();
  const prefix = commandPrefix(true);
  const pgdata = join(dataDir, 'pgdata');
  prepareFolder(dataDir);
  const password = superuserPassword(dataDir);
  if (!existsSync(pgdata)) await createDatabase(binaries, dataDir, pgdata, log);

  const patienceMs = options.patienceMs ?? 15_000;
  for (const started = performance.now(); ;) {
    await awaitOldServer(pgdata, log, patienceMs);
    const port = options.port ?? (await freePort());
    const command = [...prefix, binaries.postgres, '-D', pgdata, ...serverArguments(port, options.settings)];
    const logFile = join(dataDir, 'server.log');
    const child = launch(command, logFile);
    const ended = new Promise<void>((done) => child.once('close', () => done()));
    if (await isReady(child, pgdata)) {
      const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
      return { url, port, ended, stop: () => stop(child, ended) };
    }
    const complaint = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
    // A server killed a moment ago holds memory and port until its last child has gone.
    if (
      performance.now() - started > patienceMs ||
      !/lock file|shared memory|could not bind|starting up/.test(complaint)
    ) {
      throw new Error(`PostgreSQL did not start:\n${complaint}`);
    }
    await sleep(250);
  }
}

function prepareFolder(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const uid = process.getuid?.();
  const owner = statSync(dataDir).uid;
  if (uid !== undefined && owner !== uid) {
    throw new Error(`${dataDir} belongs to user ${owner}, we run as ${uid}: run as its owner or choose another folder`);
  }
}

function superuserPassword(dataDir: string): string {
  const file = join(dataDir, 'superuser-password');
  if (!existsSync(file)) {
    if (existsSync(join(dataDir, 'pgdata'))) throw new Error(`${file} is missing: restore it, the database needs it`);
    writeFileSync(`${file}.new`, randomBytes(24).toString('hex'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Made beside and renamed: a start that is killed half-way leaves no half database. */
async function createDatabase(binaries: Binaries, dataDir: string, pgdata: string, log: (line: string) => void) {
  log('creating the database');
  const fresh = join(dataDir, 'pgdata.new');
  rmSync(fresh, { recursive: true, force: true });
  const pwfile = `--pwfile=${join(dataDir, 'superuser-password')}`;
  const [command, ...args] = [...commandPrefix(true), binaries.initdb, '-D', fresh, pwfile, ...FOLDER_SETTINGS];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment(), detached: true });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((done) => child.once('close', done).once('error', (e) => done((output += e.message))));
  if (code !== 0) throw new Error(`initdb failed in ${fresh}:\n${output.trim().split('\n').slice(-5).join('\n')}`);
  chmodSync(fresh, 0o700);
  renameSync(fresh, pgdata);
}

function serverArguments(port: number, settings: Record<string, string> = {}): string[] {
  const all = { ...SERVER_SETTINGS, ...settings, port: String(port), 'kaika.launcher': String(process.pid) };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Nothing of PG… or a locale of the caller may steer the server. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C', SYSTEMROOT: process.env['SYSTEMROOT'] }); // prettier-ignore

/** Its own process group: Ctrl-C at the terminal must reach the services first, which still need the database. */
function launch([command, ...args]: string[], logFile: string): ChildProcess {
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.old`);
  const fd = openSync(logFile, 'a', 0o600);
  const child = spawn(command!, args, { stdio: ['ignore', fd, fd], env: environment(), detached: true });
  closeSync(fd);
  child.on('error', () => {}); // told by isReady
  child.unref();
  const end = () => child.kill('SIGINT');
  process.once('exit', end); // where there is no parent-death signal
  child.once('close', () => process.removeListener('exit', end));
  return child;
}

/** Ready when the pid file says so *and* it is our child's: a file left by another server says "ready" too. */
async function isReady(child: ChildProcess, pgdata: string): Promise<boolean> {
  for (;;) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    const server = serverState(pgdata);
    if (server?.pid === child.pid && server.state === 'ready') return true;
    await sleep(20);
  }
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGINT');
  const impatience = setTimeout(() => child.kill('SIGQUIT'), 60_000);
  await ended;
  clearTimeout(impatience);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
