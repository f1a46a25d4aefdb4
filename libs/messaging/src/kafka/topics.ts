import type { Admin } from 'kafkajs';
import { sleep } from '#libs/clock';
import { PARTITIONS } from '../partitions.js';
import type { KafkaConnection } from '../transport-settings.js';
import { grantAccess } from './access.js';
import { withAdmin } from './client.js';

/** Who writes and who reads each topic: services by name, which is their user's and their consumer group's. */
export type TopicAccess = Readonly<Record<string, { writers: readonly string[]; readers: readonly string[] }>>;

export interface PrepareOptions {
  /** Copies of each partition, at most as many as there are brokers. Default 1. */
  replicationFactor?: number;
  log?: (line: string) => void;
}

const PATIENCE_MS = 30_000;

/** Names of the broker's settings of a topic. */
type TopicSettings = Record<string, string>;

const settingsFor = (replicas: number): TopicSettings => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(14 * 24 * 3_600_000),
  // The broker's clock, not the writers': consumers and relays tell by it a log that has been replaced (`LogWatch`).
  'message.timestamp.type': 'LogAppendTime',
  // A batch holds events of up to 900,000 octets (`KafkaSink`).
  'max.message.bytes': '1048588',
  // An acknowledged event is on two brokers, where there are.
  'min.insync.replicas': replicas > 2 ? '2' : '1',
});

/**
 * Makes topics and rights as they must be, and does nothing where they are: topics that are missing are created, wrong
 * settings corrected, rights granted and those of our services beyond the table taken back. Wants an administrator.
 *
 * @throws Error a topic has another number of partitions (keys would move to another one, and lose their order)
 */
export async function prepareTopics(
  connection: KafkaConnection,
  access: TopicAccess,
  { replicationFactor = 1, log = () => {} }: PrepareOptions = {},
): Promise<void> {
  const topics = Object.keys(access);
  await withAdmin(connection, 'topics', async (admin) => {
    await create(admin, topics, replicationFactor, log);
    await refuseOtherPartitions(admin, topics);
    await correct(admin, topics, log);
    await grantAccess(admin, access, log);
  });
}

/**
 * The topics without anything that was in them, and without anybody's positions: for another instance on the same broker.
 * Relays that had sent to the old ones notice it at their next start and send again what they keep (`BusMemory`).
 */
export async function makeTopicsAnew(
  connection: KafkaConnection,
  access: TopicAccess,
  options: PrepareOptions = {},
): Promise<void> {
  await withAdmin(connection, 'topics', async (admin) => {
    const there = await admin.listTopics();
    const topics = Object.keys(access).filter((topic) => there.includes(topic));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
  for (const until = performance.now() + PATIENCE_MS; ; await sleep(100)) {
    try {
      return await prepareTopics(connection, access, options);
    } catch (error) {
      if (performance.now() > until) throw error; // a name is free again a moment after
    }
  }
}

async function create(admin: Admin, topics: string[], replicationFactor: number, log: (line: string) => void) {
  const there = await admin.listTopics();
  const missing = topics.filter((topic) => !there.includes(topic));
  if (missing.length === 0) return;
  const configEntries = Object.entries(settingsFor(replicationFactor)).map(([name, value]) => ({ name, value }));
  await admin.createTopics({
    waitForLeaders: true,
    topics: missing.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor, configEntries })),
  });
  log(`created ${missing.join(', ')}`);
}

async function refuseOtherPartitions(admin: Admin, names: string[]): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const others = topics.filter(({ partitions }) => partitions.length !== PARTITIONS);
  if (others.length === 0) return;
  const list = others.map(({ name, partitions }) => `${name} has ${partitions.length}`).join(', ');
  throw new Error(`every topic has ${PARTITIONS} partitions, so that keys keep theirs; ${list}. Make it anew: what it holds is sent again`); // prettier-ignore
}

/** By the topic's own settings; those that an administrator added stay. */
async function correct(admin: Admin, topics: string[], log: (line: string) => void): Promise<void> {
  const { ConfigResourceTypes, ConfigSource } = (await import('kafkajs')).default; // CommonJS: Node sees no name of these two
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  for (const { resourceName: topic, configEntries } of resources) {
    const replicas = metadata.find(({ name }) => name === topic)!.partitions[0]!.replicas.length;
    const wanted = settingsFor(replicas);
    const wrong = configEntries.filter(({ configName: name, configValue }) => name in wanted && configValue !== wanted[name]); // prettier-ignore
    if (wrong.length === 0) continue;
    const own = configEntries.filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG);
    const all = { ...Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])), ...wanted }; // prettier-ignore
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: Object.entries(all).map(([name, value]) => ({ name, value })),
        },
      ],
    });
    log(`corrected ${wrong.map(({ configName }) => configName).join(', ')} of ${topic}`);
  }
}
