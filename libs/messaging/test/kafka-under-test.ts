import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { TOPICS } from '#libs/events';
import { type RunningKafka, startKafka } from '../../../deploy/stack/kafka.js';
import { withAdmin } from '../src/kafka/client.js';
import { type KafkaConnection, makeTopicsAnew, prepareTopics } from '../src/index.js';

/** What the members of the suites read. */
export const MEMBER_TOPICS: string[] = [TOPICS.issuance, TOPICS.acceptance];
const NOBODY = { writers: [], readers: [] };
const ACCESS = Object.fromEntries(MEMBER_TOPICS.map((topic) => [topic, NOBODY]));

/** A real broker for a file of tests, with the members' topics. */
export class KafkaUnderTest {
  readonly dir = mkdtempSync(join(tmpdir(), 'kaika-kafka-'));
  broker!: RunningKafka;

  get connection(): KafkaConnection {
    return { brokers: [this.broker.brokers] };
  }

  async start(): Promise<void> {
    this.broker = await startKafka({ dir: this.dir });
    await this.prepare();
  }

  prepare(): Promise<void> {
    return prepareTopics(this.connection, ACCESS);
  }

  async stop(): Promise<void> {
    await this.broker?.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The same broker, without anything it had. */
  async restartEmpty(): Promise<void> {
    await this.broker.kill();
    rmSync(join(this.dir, 'data'), { recursive: true });
    await this.start();
  }

  makeTopicsAnew(): Promise<void> {
    return makeTopicsAnew(this.connection, ACCESS);
  }

  /** Removes every record; who has read them goes on at their end. */
  async empty(topic: string): Promise<void> {
    await withAdmin(this.connection, 'test', async (admin) => {
      const ends = await admin.fetchTopicOffsets(topic);
      const full = ends.filter(({ high, low }) => high !== low);
      await admin.deleteTopicRecords({
        topic,
        partitions: full.map(({ partition, high }) => ({ partition, offset: high })),
      });
    });
  }
}

export function withKafka(): KafkaUnderTest {
  const kafka = new KafkaUnderTest();
  beforeAll(() => kafka.start(), 120_000);
  afterAll(() => kafka.stop(), 60_000);
  return kafka;
}
