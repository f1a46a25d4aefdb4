import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { KAFKA_USERS } from '../kafka/users.js';
import { type RunningKafka, startKafka } from './kafka.js';
import { jarsFolder, javaVersion } from './kafka-jars.js';
import { kafkaHere } from './test-parts.js';

const TOPIC = 'kaika.test.v1';
const EARLIEST = { topic: TOPIC, fromBeginning: true };

kafkaHere.describe('startKafka', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika kafka, with a comma-'));
  let kafka: RunningKafka;
  const client = (brokers: string, sasl?: { username: string; password: string }) =>
    new Kafka({
      clientId: 'spec',
      brokers: [brokers],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 10 },
      ...(sasl ? { sasl: { mechanism: 'plain' as const, ...sasl } } : {}),
    });
  beforeAll(async () => {
    kafka = await startKafka({ dir });
  }, 180_000);
  afterAll(async () => {
    await kafka?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const send = async (value: string) => {
    const producer = client(kafka.brokers).producer();
    await producer.connect();
    await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: 'k', value }] });
    await producer.disconnect();
  };
  const readAll = async (count: number): Promise<string[]> => {
    const consumer = client(kafka.brokers).consumer({ groupId: `spec-${count}-${kafka.pid}` });
    await consumer.connect();
    await consumer.subscribe(EARLIEST);
    const values: string[] = [];
    await new Promise<void>((done, fail) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        values.push(String(message.value));
        if (values.length === count) done();
      };
      consumer.run({ eachMessage }).catch(fail);
    });
    await consumer.disconnect();
    return values;
  };

  it('keeps on the same ports what it acknowledged when it is killed', async () => {
    const admin = client(kafka.brokers).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();
    await send('before');
    const { brokers, saslBrokers } = kafka;
    await kafka.kill();
    kafka = await startKafka({ dir });
    expect(kafka).toMatchObject({ brokers, saslBrokers });
    await send('after');
    expect(await readAll(2)).toEqual(['before', 'after']);
  }, 120_000);

  it('makes no topic that nobody made', async () => {
    const producer = client(kafka.brokers).producer();
    await producer.connect();
    await expect(producer.send({ topic: 'kaika.misspelt', messages: [{ value: 'x' }] })).rejects.toThrow();
    await producer.disconnect();
  });

  it('lets a service log in with its password, and do nothing without an ACL', async () => {
    const password = readFileSync(kafka.passwordFile('issuance'), 'utf8');
    const producer = client(kafka.saslBrokers, { username: 'issuance', password }).producer();
    await producer.connect();
    await expect(producer.send({ topic: TOPIC, messages: [{ value: 'x' }] })).rejects.toThrow(/not authorized/i);
    await producer.disconnect();
    const admin = client(kafka.saslBrokers, { username: 'admin', password: readFileSync(kafka.passwordFile('admin'), 'utf8') }).admin(); // prettier-ignore
    await admin.connect();
    expect(await admin.listTopics()).toContain(TOPIC);
    await admin.disconnect();
  });

  it('refuses a wrong password and one without any', async () => {
    for (const sasl of [{ username: 'issuance', password: 'wrong' }, undefined]) {
      const admin = client(kafka.saslBrokers, sasl).admin();
      await expect(admin.connect().then(() => admin.listTopics())).rejects.toThrow();
      await admin.disconnect();
    }
  });

  it('keeps its passwords in files that only their owner reads', () => {
    for (const file of [...KAFKA_USERS.map((user) => kafka.passwordFile(user)), join(dir, 'secrets', 'jaas.conf')]) {
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  it('leaves its loaded classes for the brokers after it when it is stopped cleanly', async () => {
    await kafka.stop();
    const archives = readdirSync(jarsFolder()).filter((file) => file === `broker-java-${javaVersion()}.jsa`);
    expect(archives).toHaveLength(1);
    kafka = await startKafka({ dir });
    const command = readFileSync(`/proc/${kafka.pid}/cmdline`, 'utf8').split('\0');
    expect(command).toContain(`-XX:SharedArchiveFile=${join(jarsFolder(), archives[0]!)}`);
  }, 120_000);

  it('says which folder is in use, and which port is taken', async () => {
    const other = mkdtempSync(join(tmpdir(), 'kaika-kafka-'));
    await expect(startKafka({ dir: other, ports: { plaintext: kafka.ports.plaintext } })).rejects.toThrow(
      new RegExp(`port ${kafka.ports.plaintext} .*taken`),
    );
    rmSync(other, { recursive: true });
  });
});
