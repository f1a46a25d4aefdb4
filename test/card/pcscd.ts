import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '#libs/clock';

/** The reader driver of Debian's vsmartcard-vpcd. */
const DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const PCSCD = '/usr/sbin/pcscd';
/** Compiled into pcscd; only its clients can be told of another (PCSCLITE_CSOCK_NAME). */
const RUN_DIR = '/run/pcscd';
/** Also for one that runs already, where there can be but one. */
const PATIENCE_MS = 60_000;

export interface ReaderSlot {
  /** Where a virtual card connects to: `new VpcdPlug(…, { port })` */
  port: number;
  /** As PC/SC lists it */
  reader: string;
}

export interface Pcscd {
  /** For every program that is to talk to this pcscd: `PCSCLITE_CSOCK_NAME` beside what this process has. */
  env: NodeJS.ProcessEnv;
  slots: [ReaderSlot, ReaderSlot];
  stop(): Promise<void>;
}

/** What is missing for real readers on this machine; undefined when nothing is. */
export function missingForPcscd(): string | undefined {
  const missing = [PCSCD, DRIVER].filter((path) => !existsSync(path));
  return missing.length ? `${missing.join(' and ')}: run deploy/debian-setup.sh` : undefined;
}

/**
 * Starts a real pcscd with two virtual readers on free ports. Where the system lets us (root, or user namespaces), it
 * runs in a mount namespace with a run folder of its own, so that several can run beside one another and beside the
 * system's; elsewhere there is one at a time, by a lock that ends with its holder.
 *
 * It ends with this process, whatever ends that.
 */
export async function startPcscd(): Promise<Pcscd> {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-pcscd-'));
  const port = await twoFreePorts();
  const channel = `0x${port.toString(16).toUpperCase()}`;
  const config = ['FRIENDLYNAME "Virtual PCD"', `DEVICENAME /dev/null:${channel}`, `LIBPATH ${DRIVER}`];
  mkdirSync(join(dir, 'readers'));
  mkdirSync(join(dir, 'run'));
  writeFileSync(join(dir, 'readers', 'vpcd'), [...config, `CHANNELID ${channel}`, ''].join('\n'));

  const [command, run] = commandFor(dir);
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  child.stdout.on('data', (data: Buffer) => log.push(data.toString()));
  child.stderr.on('data', (data: Buffer) => log.push(data.toString()));
  const socket = join(run, 'pcscd.comm');
  const stop = async () => {
    await end(child);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await until(child, log, () => existsSync(socket) && listens(port) && listens(port + 1));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    env: { ...process.env, PCSCLITE_CSOCK_NAME: socket },
    slots: [
      { port, reader: 'Virtual PCD 00 00' },
      { port: port + 1, reader: 'Virtual PCD 00 01' },
    ],
    stop,
  };
}

/** The command, and the folder its socket is in. */
function commandFor(dir: string): [string[], string] {
  const pcscd = ['setpriv', '--pdeathsig', 'KILL', PCSCD, '--foreground', '--config', join(dir, 'readers')];
  const own = ownRunDir();
  if (!own) return [['flock', '--no-fork', join(tmpdir(), 'kaika-pcscd.lock'), ...pcscd], RUN_DIR];
  const script = `mount --bind "$0" ${RUN_DIR} && exec "$@"`;
  return [[...own, 'sh', '-c', script, join(dir, 'run'), ...pcscd], join(dir, 'run')];
}

/** What makes a private mount namespace here; undefined where nothing does. */
function ownRunDir(): string[] | undefined {
  try {
    if (!existsSync(RUN_DIR)) mkdirSync(RUN_DIR);
  } catch {
    return undefined;
  }
  return [
    ['unshare', '-m'],
    ['unshare', '-Urm'],
  ].find(([program, ...args]) => {
    try {
      execFileSync(program!, [...args, 'mount', '--bind', tmpdir(), RUN_DIR], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

/** Two free TCP ports next to each other: the driver gives the second slot the next one. */
async function twoFreePorts(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const second = await listen(first.port + 1).catch(() => undefined);
    await first.close();
    if (!second) continue;
    await second.close();
    return first.port;
  }
}

function listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '0.0.0.0', () => {
      const address = server.address() as { port: number };
      resolve({ port: address.port, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

/** By the kernel's table: a connection to the port would be a card. */
function listens(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, address, , state]) => address?.endsWith(local) && state === '0A');
}

async function until(child: ChildProcess, log: string[], ready: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!ready()) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`pcscd ended: ${log.join('')}`);
    if (performance.now() > deadline) throw new Error(`pcscd did not come up: ${log.join('')}`);
    await sleep(20);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(patience);
}
