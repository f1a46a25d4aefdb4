import { z } from 'zod';
import { ConfigError, openConfig } from '#libs/config';
import { prepareTopics, transportOf, transportSettings } from '#libs/messaging';
import { TOPIC_ACCESS } from '../kafka/access.js';

const settings = z.object({
  ...transportSettings,
  /** Copies of each record; a cluster of one broker has 1, what counts has 3. */
  KAIKA_KAFKA_REPLICATION: z.coerce.number().int().min(1).max(7).default(3),
});

/** Topics and rights, as an administrator of the cluster. @throws ConfigError */
export async function setUpKafka(env: NodeJS.ProcessEnv, told: (line: string) => void): Promise<void> {
  const read = await openConfig(settings, env);
  const transport = transportOf(read);
  if (transport.kind !== 'kafka') throw new ConfigError([{ variable: 'KAFKA_BROKERS', problem: 'is not set' }]);
  await prepareTopics(transport, TOPIC_ACCESS, { replicationFactor: read.KAIKA_KAFKA_REPLICATION });
  told(`topics and rights are as they should be: ${Object.keys(TOPIC_ACCESS).join(', ')}`);
}
