import type { ServiceDefinition } from '#libs/host';
import { MIGRATIONS } from './migrations/index.js';
import { readSuspensionConfig } from './suspension.config.js';
import { SuspensionModule } from './suspension.module.js';

export const suspension: ServiceDefinition = {
  name: 'suspension',
  port: 3003,
  migrations: MIGRATIONS,
  module: async (env) => SuspensionModule.register(await readSuspensionConfig(env)),
};
