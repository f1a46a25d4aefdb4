import { CLOCK_MIGRATION } from '#libs/database';
import { DUAL_CONTROL_MIGRATION } from '#libs/dual-control';
import type { ServiceDefinition } from '#libs/host';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { loadAuthority } from '#libs/pki';
import { STATUS_FEED_MIGRATIONS } from '#libs/status-feed';
import { readCrlPublisherConfig } from './crl-publisher.config.js';
import { CrlPublisherModule } from './crl-publisher.module.js';
import { EmergencyAndDegradedLists1764000003100 } from './migrations/1764000003100-emergency-and-degraded-lists.js';
import { OpenAlarms1764000003200 } from './migrations/1764000003200-open-alarms.js';
import { CrlPublisher1700000003000 } from './migrations/1700000003000-crl-publisher.js';

export const crlPublisher: ServiceDefinition = {
  name: 'crl-publisher',
  port: 3005,
  migrations: [
    CLOCK_MIGRATION,
    ...MESSAGING_MIGRATIONS,
    ...STATUS_FEED_MIGRATIONS,
    DUAL_CONTROL_MIGRATION,
    CrlPublisher1700000003000,
    EmergencyAndDegradedLists1764000003100,
    OpenAlarms1764000003200,
  ],
  module: async (env) => {
    const config = await readCrlPublisherConfig(env);
    return CrlPublisherModule.register(config, await loadAuthority(config.authorityDir));
  },
};
