import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOPICS } from '#libs/events';
import { type RunningKafka, startKafka } from '../../../deploy/stack/kafka.js';
import { kafkaHere } from '../../../deploy/stack/test-parts.js';
import { transportConformance } from '../test/conformance.js';
import { withAdmin } from './kafka/client.js';
import { KafkaSink, prepareTopics } from './index.js';

const topics = [TOPICS.issuance, TOPICS.acceptance];
const dir = mkdtempSync(join(tmpdir(), 'kaika-conformance-'));
let kafka: RunningKafka;
const connection = () => ({ brokers: [kafka.brokers] });

kafkaHere.describe('Kafka as it is', () =>
  transportConformance('kafka', {
    start: async () => {
      kafka = await startKafka({ dir });
      await prepareTopics(
        connection(),
        Object.fromEntries(topics.map((topic) => [topic, { writers: [], readers: [] }])),
      );
    },
    stop: async () => {
      await kafka?.kill();
      rmSync(dir, { recursive: true, force: true });
    },
    transport: () => ({ kind: 'kafka', ...connection() }),
    sink: () => new KafkaSink(connection(), 'conformance'),
    interrupt: () => kafka.kill(),
    resume: async () => {
      kafka = await startKafka({ dir });
    },
    rewind: (group) => withAdmin(connection(), 'rewind', async (admin) => void (await admin.deleteGroups([group]))),
  }),
);
