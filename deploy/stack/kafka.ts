import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { sleep } from '#libs/clock';
import type { KafkaUser } from '../kafka/users.js';
import { readJson, writeJson } from './json-file.js';
import { sharedClasses } from './kafka-classes.js';
import { fetchKafka, java, kafkaUnavailable } from './kafka-jars.js';
import { type KafkaPorts, passwordFile, writeSettings } from './kafka-settings.js';
import { awaitOldProcess, lastLines, launch, type PartProcess } from './part-process.js';
import { freePort, mustBeFree } from './ports.js';

export { kafkaUnavailable } from './kafka-jars.js';
export { type KafkaPorts } from './kafka-settings.js';

export interface KafkaOptions {
  /** Data, secrets, settings and log; made when missing. */
  dir: string;
  /** Default: those of the folder's start before, else any free ones. */
  ports?: Partial<KafkaPorts>;
  log?: (line: string) => void;
  /** How long the broker may take until it answers. Default 120 s. */
  patienceMs?: number;
}

export interface RunningKafka {
  /** `127.0.0.1:<port>`, without login; whoever connects is super user. */
  brokers: string;
  /** `127.0.0.1:<port>`, SASL_PLAINTEXT, mechanism PLAIN; ACLs count. */
  saslBrokers: string;
  ports: KafkaPorts;
  pid: number;
  /** Holds the user's password; mode 0600. */
  passwordFile(user: KafkaUser): string;
  /** Resolves when the broker has ended, asked to or not. */
  ended: Promise<void>;
  /** Clean shutdown (about a second). */
  stop(): Promise<void>;
  /** SIGKILL; the same folder comes back with what was acknowledged by `startKafka({ dir })`. */
  kill(): Promise<void>;
}

/** Serial GC and C1 alone: started in two thirds of G1's time on two cores, and 60 MB smaller. */
const JVM = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-XX:+ExitOnOutOfMemoryError']; // prettier-ignore

/**
 * One Apache Kafka broker in KRaft mode (its own controller) on `dir`, bound to 127.0.0.1, without Docker. It ends with
 * this process.
 *
 * @throws Error what to install, which port is taken, or the broker's last log lines
 */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const dir = resolve(options.dir);
  const log = options.log ?? (() => {});
  const problem = kafkaUnavailable();
  if (problem) throw new Error(problem);
  const jars = await fetchKafka(log);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  await awaitOldProcess(dir, 'kafka');
  const ports = await portsOf(dir, options.ports);
  writeSettings(dir, ports);
  if (!existsSync(join(dir, 'data'))) await format(dir, jars, log);

  const classes = sharedClasses(dir, jars);
  const broker = launch({
    dir,
    name: 'kafka',
    logFile: join(dir, 'output.log'),
    command: [java(), ...JVM, ...classes.options, '-Dlog4j2.configurationFile=log4j2.json', '-Djava.security.auth.login.config=secrets/jaas.conf', '-cp', `${jars}/*`, 'kafka.Kafka', 'server.properties'], // prettier-ignore
  });
  classes.keep(broker);
  const brokers = `127.0.0.1:${ports.plaintext}`;
  await ready(broker, brokers, dir, options.patienceMs ?? 120_000);
  return {
    brokers,
    saslBrokers: `127.0.0.1:${ports.sasl}`,
    ports,
    pid: broker.pid,
    passwordFile: (user) => passwordFile(dir, user),
    ended: broker.ended,
    stop: () => broker.stop(),
    kill: () => broker.kill(),
  };
}

/** Once chosen a port stays the folder's: clients come back to it, and the quorum's voter is named by it. */
async function portsOf(dir: string, wanted: Partial<KafkaPorts> = {}): Promise<KafkaPorts> {
  const file = join(dir, 'ports.json');
  const before = readJson<KafkaPorts>(file);
  const taken: number[] = Object.values(wanted);
  const choose = async (name: keyof KafkaPorts): Promise<number> => {
    const fixed = wanted[name] || before?.[name];
    if (fixed) await mustBeFree('kafka', fixed);
    const port = fixed || (await freePort(undefined, taken));
    taken.push(port);
    return port;
  };
  const ports = { plaintext: await choose('plaintext'), sasl: await choose('sasl'), controller: await choose('controller') }; // prettier-ignore
  writeJson(file, ports);
  return ports;
}

/** Made beside and renamed: a start that is killed half-way leaves no half-made folder. */
async function format(dir: string, jars: string, log: (line: string) => void): Promise<void> {
  log('making the data folder of Kafka');
  rmSync(join(dir, 'data.new'), { recursive: true, force: true });
  const clusterId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url').replace(/^-/, 'A');
  const logFile = join(dir, 'output.log');
  const tool = launch({
    dir,
    name: 'format',
    logFile,
    command: [java(), ...JVM, '-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', clusterId, '-c', 'format.properties'], // prettier-ignore
  });
  while (!tool.hasEnded()) await sleep(50);
  if (tool.exitCode() !== 0) {
    throw new Error(`formatting Kafka's folder ${dir} failed:\n${lastLines(logFile)}`);
  }
  renameSync(join(dir, 'data.new'), join(dir, 'data'));
}

/** Ready: it names itself as a broker of the cluster (a port that accepts is not enough: it may still be fenced). */
async function ready(broker: PartProcess, brokers: string, dir: string, patienceMs: number): Promise<void> {
  const started = performance.now();
  while (!(await kafkaAnswers(brokers))) {
    if (broker.hasEnded() || performance.now() - started > patienceMs) {
      const why = broker.hasEnded() ? 'it ended' : `no answer in ${Math.round(patienceMs / 1000)} s`;
      await broker.kill();
      const told = [lastLines(join(dir, 'server.log')), lastLines(join(dir, 'output.log'))].filter(Boolean).join('\n');
      throw new Error(`Kafka did not start (${why}):\n${told}`);
    }
    await sleep(100);
  }
}

/** Whether a broker at `address` takes part in its cluster. Never throws. */
export async function kafkaAnswers(address: string): Promise<boolean> {
  const client = new Kafka({ clientId: 'kaika-stack', brokers: [address], logLevel: logLevel.NOTHING, connectionTimeout: 1000, requestTimeout: 3000, retry: { retries: 0 } }); // prettier-ignore
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
