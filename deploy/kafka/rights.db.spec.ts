import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type INestApplication, Logger } from '@nestjs/common';
import { type TestService, withTestDatabase } from '#libs/database';
import { TOPICS } from '#libs/events';
import { type KafkaConnection, KafkaSink, Outbox, prepareTopics } from '#libs/messaging';
import { type RunningKafka, startKafka } from '../stack/kafka.js';
import type { KafkaUser } from './users.js';
import { kafkaHere } from '../stack/test-parts.js';
import { kafkaClient, withAdmin } from '../../libs/messaging/src/kafka/client.js';
import { eventually } from '../../libs/messaging/test/eventually.js';
import { effects, MEMBER_MIGRATIONS, numbered, startMember } from '../../libs/messaging/test/member.js';
import { TOPIC_ACCESS } from './access.js';

kafkaHere.describe('rights on Kafka', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-rights-'));
  const database = withTestDatabase();
  let kafka: RunningKafka;

  const as = (username: KafkaUser, password = readFileSync(kafka.passwordFile(username), 'utf8').trim()): KafkaConnection => ({
    brokers: [kafka.saslBrokers],
    sasl: { mechanism: 'plain', username, password },
  }); // prettier-ignore
  const record = (topic: string) => ({ topic, key: 'k', value: '{}', id: '1' });
  const write = async (user: KafkaUser, topic: string) => {
    const sink = new KafkaSink(as(user), 'test');
    try {
      return await sink.send([record(topic)]);
    } finally {
      await sink.close();
    }
  };
  /** Joins as the group and reads one record. A broker that has just started may still be loading its groups: that is no answer yet. */
  const read = async (user: KafkaUser, topic: string, groupId: string = user): Promise<void> => {
    try {
      await readOnce(user, topic, groupId);
    } catch (error) {
      if (!/coordinator is loading/i.test(String(error))) throw error;
      await read(user, topic, groupId);
    }
  };
  const readOnce = async (user: KafkaUser, topic: string, groupId: string) => {
    const consumer = (await kafkaClient(as(user), 'test')).consumer({ groupId });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await new Promise((done, fail) => {
        consumer.on('consumer.crash', ({ payload }) => fail(payload.error));
        void consumer.run({ autoCommit: false, eachMessage: async () => done(undefined) }).catch(fail);
      });
    } finally {
      await consumer.disconnect();
    }
  };
  const startAs = async (service: TestService, connection: KafkaConnection): Promise<INestApplication> =>
    startMember(service, { service: service.schema, transport: { kind: 'kafka', ...connection } });

  beforeAll(async () => {
    kafka = await startKafka({ dir });
    await prepareTopics(as('admin'), TOPIC_ACCESS);
  }, 120_000);
  afterAll(async () => {
    await kafka?.kill();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  it('let every service write its topics and no other, and read its topics in its own group and no other', async () => {
    const users = [...new Set(Object.values(TOPIC_ACCESS).flatMap(({ writers, readers }) => [...writers, ...readers]))] as KafkaUser[]; // prettier-ignore
    for (const [topic, { writers, readers }] of Object.entries(TOPIC_ACCESS)) {
      for (const user of users) {
        const writing = expect(write(user, topic));
        if (writers.includes(user)) await writing.resolves.toHaveLength(1);
        else await writing.rejects.toThrow(/not authorized/i);
      }
      for (const user of users.filter((name) => !readers.includes(name))) {
        await expect(read(user, topic)).rejects.toThrow(/not authorized/i);
      }
    }
    for (const [topic, { readers }] of Object.entries(TOPIC_ACCESS)) {
      for (const user of readers as KafkaUser[]) await read(user, topic);
    }
    // Who may not see a group is not told where its coordinator is.
    await expect(read('suspension', TOPICS.credential, 'acceptance')).rejects.toThrow('Failed to find group coordinator'); // prettier-ignore
    await expect(withAdmin(as('suspension'), 'test', (admin) => admin.deleteTopics({ topics: [TOPICS.status] }))).rejects.toThrow(); // prettier-ignore
  }, 180_000);

  it('are prepared once: again changes nothing, and what was changed is put right', async () => {
    const told: string[] = [];
    const log = (line: string) => void told.push(line);
    await prepareTopics(as('admin'), TOPIC_ACCESS, { log });
    expect(told).toEqual([]);
    const { ConfigResourceTypes } = await import('kafkajs');
    const settings = [
      { name: 'retention.ms', value: '1000' },
      { name: 'segment.ms', value: '86400000' },
    ];
    await withAdmin(as('admin'), 'test', async (admin) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: TOPICS.crl, configEntries: settings }];
      await admin.alterConfigs({ validateOnly: false, resources });
    });
    const more = { ...TOPIC_ACCESS, [TOPICS.crl]: { writers: ['crl-publisher', 'issuance'], readers: ['suspension'] } };
    await prepareTopics(as('admin'), more, { log });
    expect(await write('issuance', TOPICS.crl)).toHaveLength(1);
    await prepareTopics(as('admin'), TOPIC_ACCESS, { log });
    await eventually(() => expect(write('issuance', TOPICS.crl)).rejects.toThrow(/not authorized/i));
    expect(told).toEqual([
      expect.stringMatching(/^corrected .*retention\.ms.* of kaika\.crl\.v1$/),
      'rights: 1 granted, 0 taken back',
      'rights: 0 granted, 1 taken back',
    ]);
    await withAdmin(as('admin'), 'test', async (admin) => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: TOPICS.crl }] }); // prettier-ignore
      const value = (name: string) => resources[0]!.configEntries.find(({ configName }) => configName === name)!.configValue; // prettier-ignore
      expect(['retention.ms', 'segment.ms', 'cleanup.policy', 'message.timestamp.type'].map(value)).toEqual(['1209600000', '86400000', 'delete', 'LogAppendTime']); // prettier-ignore
    });
  }, 60_000);

  it('refuse a topic with another number of partitions', async () => {
    const topic = 'kaika.narrow.v1';
    await withAdmin(as('admin'), 'test', (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 3 }] }));
    const access = { [topic]: { writers: [], readers: [] } };
    await expect(prepareTopics(as('admin'), access)).rejects.toThrow('kaika.narrow.v1 has 3');
    const sink = new KafkaSink(as('admin'), 'test');
    const everywhere = [...Array(40).keys()].map((n) => ({ ...record(topic), key: `key ${n}` }));
    await expect(sink.send(everywhere)).rejects.toThrow(/kaika\.narrow\.v1 has no partition [345]/);
    await sink.close();
  }, 60_000);

  it('suffice for a service, whose wrong password is told without being shown, and waited out', async () => {
    const lines: string[] = [];
    const told = (...args: unknown[]) => void lines.push(args.join(' '));
    const service = await database.service('issuance', MEMBER_MIGRATIONS);
    const wrong = await startAs(service, as('issuance', 'open-sesame'));
    Logger.overrideLogger({ log: told, warn: told, error: told, debug: told, fatal: told, verbose: told });
    await eventually(() => expect(lines.join('\n')).toMatch(/waiting for the bus: .*[Aa]uthentication/));
    expect(lines.join('\n')).not.toContain('open-sesame');
    await wrong.close();
    Logger.overrideLogger(false);
    // A member of the suite reads two topics.
    const both = { writers: ['acceptance', 'issuance'], readers: ['issuance'] };
    await prepareTopics(as('admin'), { [TOPICS.issuance]: both, [TOPICS.acceptance]: both });
    const right = await startAs(service, as('issuance'));
    const event = numbered('issuance:1', 7);
    await service.source.transaction((tx) => right.get(Outbox).add(tx, event));
    await eventually(async () => expect((await effects(service)).get('issuance:1')).toEqual([7]));
    await right.close();
  }, 60_000);
});
