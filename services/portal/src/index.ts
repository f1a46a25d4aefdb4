import type { ServiceDefinition } from '#libs/host';
import { readPortalConfig } from './portal.config.js';
import { PortalModule } from './portal.module.js';

export const portal: ServiceDefinition = {
  name: 'portal',
  port: 3000,
  migrations: [],
  module: (env) => PortalModule.register(readPortalConfig(env)),
};
