import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { sleep } from '#libs/clock';
import { KAFKA_USERS } from '../deploy/kafka/users.js';
import { ensurePassword, writeKafkaJaas } from '../deploy/setup/passwords.js';
import { fetchKafka, java } from '../deploy/stack/kafka-jars.js';
import { bareEnvironment, lastLines, launch, type PartProcess } from '../deploy/stack/part-process.js';
import { freePort } from '../deploy/stack/ports.js';
import { kafkaHere } from '../deploy/stack/test-parts.js';
import { readCompose } from './deployment/compose.js';

const START_MS = 90_000;

/** What the image makes of its environment: `KAFKA_NODE_ID` is `node.id`. */
function properties(environment: Record<string, unknown>): string {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith('KAFKA_') && !['KAFKA_OPTS', 'KAFKA_HEAP_OPTS'].includes(name))
    .map(([name, value]) => `${name.slice('KAFKA_'.length).toLowerCase().replaceAll('_', '.')}=${value}\n`)
    .join('');
}

kafkaHere.describe('Kafka with the settings of docker-compose.yml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-compose-kafka-'));
  const secrets = join(dir, 'secrets');
  let broker: PartProcess;
  let address: string;

  beforeAll(async () => {
    mkdirSync(secrets);
    for (const user of KAFKA_USERS) ensurePassword(secrets, `kafka-${user}`);
    writeKafkaJaas(secrets);
    const { environment, volumes } = readCompose().services['kafka']!;
    expect(environment!['KAFKA_OPTS']).toBe('-Djava.security.auth.login.config=/run/secrets/kafka-jaas.conf');
    // Data that are not below a volume go with the container.
    const mounted = volumes!.map((volume) => volume.split(':')[1]!);
    const logDirs = String(environment!['KAFKA_LOG_DIRS']);
    expect([logDirs, mounted.some((path) => logDirs.startsWith(`${path}/`))]).toEqual([logDirs, true]);
    const [port, controller] = [await freePort(), await freePort()];
    address = `127.0.0.1:${port}`;
    // The same, for this machine: addresses, and the folder of the data.
    const file = join(dir, 'server.properties');
    const text = properties({ ...environment, KAFKA_LOG_DIRS: join(dir, 'data') });
    const here = (port_: number) => `//127.0.0.1:${port_}`;
    writeFileSync(
      file,
      text
        .replace(/(\d@)kafka:9093/, `$1127.0.0.1:${controller}`)
        .replace(/\/\/(kafka)?:9094/g, here(port))
        .replace('//:9093', here(controller)),
    );
    const jars = await fetchKafka();
    const run = ['-Xmx512m', '-XX:+UseSerialGC', `-Djava.security.auth.login.config=${join(secrets, 'kafka-jaas.conf')}`, '-cp', `${jars}/*`]; // prettier-ignore
    const format = spawnSync(java(), [...run, 'kafka.tools.StorageTool', 'format', '-t', '5L6g3nShT-eMCtK--X86sw', '-c', file], { encoding: 'utf8', env: bareEnvironment() }); // prettier-ignore
    expect([format.status, format.status === 0 ? '' : format.stderr]).toEqual([0, '']);
    const logFile = join(dir, 'output.log');
    broker = launch({ dir, name: 'kafka', logFile, command: [java(), ...run, 'kafka.Kafka', file] });
    const began = performance.now();
    while ((await brokers('admin')) !== 1) {
      if (broker.hasEnded() || performance.now() - began > START_MS) throw new Error(lastLines(logFile, 40));
      await sleep(200);
    }
  }, 180_000);
  afterAll(async () => {
    await broker?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const client = (sasl?: { username: string; password: string }) =>
    new Kafka({
      ...{ clientId: 'spec', brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } },
      ...(sasl && { sasl: { mechanism: 'plain' as const, ...sasl } }),
    });
  const brokers = async (user?: string, password?: string): Promise<number | string> => {
    const admin = client(user ? { username: user, password: password ?? ensurePassword(secrets, `kafka-${user}`) } : undefined).admin(); // prettier-ignore
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length;
    } catch (error) {
      return (error as Error).name;
    } finally {
      await admin.disconnect();
    }
  };

  it('starts, and takes its users by their passwords only', async () => {
    expect(await brokers('admin')).toBe(1);
    expect(await brokers('issuance')).toBe(1);
    expect(await brokers('issuance', 'wrong')).toBe('KafkaJSSASLAuthenticationError');
    expect(await brokers()).not.toBe(1);
  });

  it('gives a user no right that no ACL gives, and makes no topic by itself', async () => {
    const password = ensurePassword(secrets, 'kafka-issuance');
    const admin = client({ username: 'issuance', password }).admin();
    await admin.connect();
    await expect(admin.createTopics({ topics: [{ topic: 'mine' }] })).rejects.toThrow();
    await admin.disconnect();
    const producer = client({ username: 'issuance', password }).producer();
    await producer.connect();
    await expect(producer.send({ topic: 'kaika.status.v1', messages: [{ value: 'x' }] })).rejects.toThrow();
    await producer.disconnect();
  });
});
