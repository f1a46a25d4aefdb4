import { startKafka } from '../../../deploy/stack/kafka.js';
import { kafkaHere } from '../../../deploy/stack/test-parts.js';
import { transportConformance } from '../test/conformance.js';
import { KafkaUnderTest } from '../test/kafka-under-test.js';
import { withAdmin } from './kafka/client.js';
import { KafkaSink } from './index.js';

const kafka = new KafkaUnderTest();

kafkaHere.describe('Kafka as it is', () =>
  transportConformance('kafka', {
    start: () => kafka.start(),
    stop: () => kafka.stop(),
    transport: () => ({ kind: 'kafka', ...kafka.connection }),
    sink: () => new KafkaSink(kafka.connection, 'conformance'),
    interrupt: () => kafka.broker.kill(),
    resume: async () => {
      kafka.broker = await startKafka({ dir: kafka.dir });
    },
    rewind: (group) => withAdmin(kafka.connection, 'rewind', async (admin) => void (await admin.deleteGroups([group]))),
  }),
);
