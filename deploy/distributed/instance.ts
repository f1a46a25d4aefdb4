import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { Redis } from 'ioredis';
import { Clock } from '#libs/clock';
import { makeTopicsAnew, prepareTopics } from '#libs/messaging';
import { ceremony, renewRootCrl } from '#libs/pki';
import { ensureKeys, type Keys } from '../../services/all-in-one/src/keys.js';
import { SERVICES } from '../../services/all-in-one/src/services.js';
import { ThrowawayClock } from '../../services/all-in-one/src/throwaway-clock.js';
import { TOPIC_ACCESS } from '../kafka/access.js';
import { setUpDatabase } from '../setup/database.js';
import { clockControl, moveClocks } from './clock-control.js';
import type { DistributedConfig } from './distributed.config.js';
import { edgeProgram } from './edge.js';
import { readJson, writeJson } from '../stack/json-file.js';
import { freePort, mustBeFree } from '../stack/ports.js';
import { holdFolder } from '../stack/stack-folder.js';
import { agentSettings, type Places, settingsOf } from './settings.js';
import type { StackAccess } from './stack-access.js';
import { type Program, Supervised } from './supervised.js';

export interface DistributedInstance {
  url: string;
  agentUrl: string;
  issuer: string;
  keys: Keys;
  stop(): Promise<void>;
}

const PORTS: Record<string, number> = { portal: 3000, issuance: 3001, acceptance: 3002, suspension: 3003, 'status-query': 3004, 'crl-publisher': 3005 }; // prettier-ignore
const DIST = join(import.meta.dirname.replace(/([\\/])deploy[\\/]distributed$/, ''), 'services');

/** Starts every service as its own process on a stack that is up, the edge in front of them and the card agent beside. */
export async function startDistributed(
  config: DistributedConfig,
  stack: StackAccess,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<DistributedInstance> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step().catch((error: unknown) => progress(`stopping: ${String(error)}`)); // prettier-ignore
  };
  try {
    return { ...(await start(config, stack, env, { progress, undo })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Start {
  progress: (line: string) => void;
  undo: (() => Promise<unknown>)[];
}

async function start(config: DistributedConfig, stack: StackAccess, env: NodeJS.ProcessEnv, { progress, undo }: Start) {
  const dir = (name: string) => join(config.DATA_DIR, name);
  // Two instances would share topics and groups, and each would lose its events to the other.
  const leave = holdFolder(stack.dir, 'instance');
  undo.push(async () => leave());
  const ports = await choosePorts(config);
  const url = `http://localhost:${ports['edge']}`;
  const publicUrl = config.KAIKA_PUBLIC_URL ?? url;
  const issuer = `${publicUrl}/identity`;

  const isFresh = config.KAIKA_THROWAWAY && !existsSync(dir('authority'));
  const databaseUrl = await ownDatabase(stack, config.KAIKA_THROWAWAY ? 'kaika_throwaway' : 'kaika', isFresh);
  const redisUrl = `${stack.redisUrl}/${config.KAIKA_THROWAWAY ? 1 : 0}`;
  if (isFresh) await flush(redisUrl);
  const keys = await ensureKeys(config.DATA_DIR);
  progress('schemas and migrations');
  const databases = await setUpDatabase(databaseUrl, stack.databasePasswords, () => {});
  progress('topics and rights');
  await ownTopics(stack, config.DATA_DIR);

  const clock = new Clock();
  const throwaway = config.KAIKA_THROWAWAY
    ? await ThrowawayClock.restore(clock, databases, dir('clock.json'), config.KAIKA_THROWAWAY_START)
    : undefined;
  progress('the authority: root, issuing CA, card CA');
  const authority = await ceremony({ dir: dir('authority'), publicUrl, clock, log: (step) => progress(`  ${step}`) });
  if (await renewRootCrl(authority, clock)) progress('  root CA: its next list');

  const places: Places = {
    ...{ secrets: keys.dir, dataDir: config.DATA_DIR, stack, ports, issuer, redisUrl, given: env },
    databaseUrl: new URL(databaseUrl),
    origins: [url, `http://127.0.0.1:${ports['edge']}`],
    clockFile: throwaway && dir('clock.json'),
  };
  const running: Supervised[] = [];
  let isUp = false;
  const announceAll = () => isUp && announce(dir('instance.json'), { url, agentUrl, issuer, running });
  const agentUrl = `http://127.0.0.1:${ports['card-agent']}`;
  const programs = [
    ...SERVICES.map(({ name }) => serviceProgram(name, ports[name]!, settingsOf(name, places))),
    agentProgram(agentUrl, agentSettings(places)),
    edgeProgram({ dir: dir('edge'), port: ports['edge']!, ports, clockPort: throwaway && ports['clock']!, env }),
  ];
  if (throwaway) {
    const move = async (at: Date) => {
      await throwaway.move(at);
      await moveClocks(
        WITH_CLOCK.map((name) => ports[name]!),
        at,
      );
    };
    const control = await clockControl(ports['clock']!, move);
    undo.push(() => new Promise((done) => control.close(done)));
  }
  // Suspension first: the others ask it when they start. The rest together.
  const [first, ...others] = programs;
  for (const together of [[first!], others]) {
    await Promise.all(
      together.map(async (program) => {
        const supervised = new Supervised(program, progress, announceAll);
        undo.push(() => supervised.stop());
        running.push(supervised);
        await supervised.start();
        progress(`${program.name} is ready`);
      }),
    );
  }
  isUp = true;
  announceAll();
  undo.push(async () => rmSync(dir('instance.json'), { force: true }));
  return { url, agentUrl, issuer, keys };
}

const WITH_CLOCK = SERVICES.map(({ name }) => name);

/** Edge and agent where they are asked for; services at their usual ports if free, in a throw-away instance at any. */
async function choosePorts(config: DistributedConfig): Promise<Record<string, number>> {
  const ports: Record<string, number> = {};
  const take = async (name: string, preferred?: number) => {
    ports[name] = await freePort(preferred, Object.values(ports));
  };
  for (const [name, asked] of [
    ['edge', config.PORT],
    ['card-agent', config.KAIKA_AGENT_PORT],
  ] as const) {
    if (asked) await mustBeFree(name, asked);
    await take(name, asked || undefined);
  }
  for (const [name, usual] of Object.entries(PORTS)) await take(name, config.KAIKA_THROWAWAY ? undefined : usual);
  if (config.KAIKA_THROWAWAY) await take('clock');
  return ports;
}

/** @returns the address of the database, as the stack's superuser */
async function ownDatabase(stack: StackAccess, name: string, isFresh: boolean): Promise<string> {
  const url = new URL(stack.postgresUrl);
  const admin = new Client({ connectionString: url.toString() });
  await admin.connect();
  try {
    if (isFresh) await admin.query(`drop database if exists ${name} with (force)`);
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [name]);
    if (!rowCount) await admin.query(`create database ${name}`);
  } finally {
    await admin.end();
  }
  url.pathname = name;
  return url.toString();
}

/** Whose events the topics hold is noted beside the stack's data: those of another instance are nothing for this one. */
async function ownTopics(stack: StackAccess, dataDir: string): Promise<void> {
  const kafka = { brokers: [stack.kafka.brokers] };
  const note = join(stack.dir, 'topics-of.json');
  if (readJson<{ dataDir: string }>(note)?.dataDir === dataDir) return prepareTopics(kafka, TOPIC_ACCESS);
  await makeTopicsAnew(kafka, TOPIC_ACCESS);
  writeJson(note, { dataDir });
}

async function flush(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushdb();
  await redis.quit();
}

const answers = async (url: string) =>
  (await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined))?.status === 200;

function serviceProgram(name: string, port: number, env: NodeJS.ProcessEnv): Program {
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', join(DIST, name, 'src', 'main.js')],
    env,
    ready: () => answers(`http://127.0.0.1:${port}/readyz`),
  };
}

function agentProgram(url: string, env: NodeJS.ProcessEnv): Program {
  const args = ['--enable-source-maps', join(DIST, 'card-agent', 'src', 'main.js'), '--virtual'];
  // Its pages alone may ask it anything: that it answers at all is enough.
  const ready = async () => (await fetch(url).catch(() => undefined)) !== undefined;
  return { name: 'card-agent', command: process.execPath, args, env, ready };
}

/** For the operator's tools and the demo: where the instance is reached, and which process is which. */
function announce(
  file: string,
  { running, ...address }: { url: string; agentUrl: string; issuer: string; running: readonly Supervised[] },
): void {
  const processes = Object.fromEntries(running.map(({ name, pid }) => [name, pid]));
  writeFileSync(`${file}.new`, JSON.stringify({ ...address, pid: process.pid, processes }, null, 2));
  renameSync(`${file}.new`, file);
}
