import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { sleep } from '#libs/clock';
import { readJson, writeJson } from './json-file.js';
import { awaitOldProcess, lastLines, launch } from './part-process.js';
import { freePort, mustBeFree } from './ports.js';

export interface RedisOptions {
  /** Data and log; made when missing. */
  dir: string;
  /** Default: that of the folder's start before, else any free one. */
  port?: number;
  log?: (line: string) => void;
  /** How long it may take until it answers (it loads its data first), and one before it to leave. Default 30 s. */
  patienceMs?: number;
}

export interface RunningRedis {
  /** `redis://127.0.0.1:<port>`, without password. */
  url: string;
  port: number;
  pid: number;
  /** Resolves when the server has ended, asked to or not. */
  ended: Promise<void>;
  /** Clean shutdown: what is appended is synced. */
  stop(): Promise<void>;
  /** SIGKILL; the same folder comes back with what was appended by `startRedis({ dir })`. */
  kill(): Promise<void>;
}

/** Why Redis can't be started on this machine, as a sentence that says what to install; undefined when it can. */
export const redisUnavailable = (): string | undefined =>
  spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'there is no redis-server: install redis-server (version 6.2 or later)';

/**
 * A redis-server on `dir`, bound to 127.0.0.1, set up as BullMQ needs it (nothing is ever evicted) and keeping an
 * append-only file. It ends with this process.
 *
 * @throws Error what to install, which port is taken, or the server's last lines
 */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const dir = resolve(options.dir);
  const problem = redisUnavailable();
  if (problem) throw new Error(problem);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  await awaitOldProcess(dir, 'redis', options.patienceMs);
  const port = await portOf(dir, options.port);
  const settings = { bind: '127.0.0.1', port: String(port), daemonize: 'no', appendonly: 'yes', 'maxmemory-policy': 'noeviction' }; // prettier-ignore
  const logFile = join(dir, 'server.log');
  const command = ['redis-server', ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])];
  const server = launch({ dir, name: 'redis', logFile, command });

  const patienceMs = options.patienceMs ?? 30_000;
  const started = performance.now();
  while (!(await redisAnswers(port))) {
    if (server.hasEnded() || performance.now() - started > patienceMs) {
      await server.kill();
      throw new Error(`Redis did not start:\n${lastLines(logFile)}`);
    }
    await sleep(50);
  }
  const { pid, ended } = server;
  return { url: `redis://127.0.0.1:${port}`, port, pid, ended, stop: () => server.stop(), kill: () => server.kill() };
}

async function portOf(dir: string, wanted?: number): Promise<number> {
  const file = join(dir, 'ports.json');
  const fixed = wanted || readJson<{ redis: number }>(file)?.redis;
  if (fixed) await mustBeFree('redis', fixed);
  const port = fixed || (await freePort());
  writeJson(file, { redis: port });
  return port;
}

/** Whether a Redis that has loaded its data answers there (until then it says `-LOADING`). Never throws. */
export function redisAnswers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, timeout: 3000 });
  return new Promise<boolean>((done) => {
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => done(answer.toString().startsWith('+PONG')));
    for (const event of ['error', 'timeout', 'close']) socket.once(event, () => done(false));
  }).finally(() => socket.destroy());
}
