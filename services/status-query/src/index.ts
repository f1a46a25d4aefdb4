import type { ServiceDefinition } from '#libs/host';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { STATUS_FEED_MIGRATIONS } from '#libs/status-feed';
import { StatusQuery1764000200001 } from './migrations/1764000200001-status-query.js';
import { Rebuild1764000204000 } from './migrations/1764000204000-rebuild.js';
import { SearchAndOcsp1764000203000 } from './migrations/1764000203000-search-and-ocsp.js';
import { readStatusQueryConfig } from './status-query.config.js';
import { StatusQueryModule } from './status-query.module.js';

export const statusQuery: ServiceDefinition = {
  name: 'status-query',
  port: 3004,
  migrations: [
    ...MESSAGING_MIGRATIONS,
    ...STATUS_FEED_MIGRATIONS,
    StatusQuery1764000200001,
    SearchAndOcsp1764000203000,
    Rebuild1764000204000,
  ],
  module: async (env) => StatusQueryModule.register(await readStatusQueryConfig(env)),
};
