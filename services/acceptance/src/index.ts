import { ATTEMPT_MIGRATION } from '#libs/credentials';
import type { ServiceDefinition } from '#libs/host';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { readAcceptanceConfig } from './acceptance.config.js';
import { AcceptanceModule } from './acceptance.module.js';
import { Acceptance1764000100001 } from './migrations/1764000100001-acceptance.js';
import { Person1764000100002 } from './migrations/1764000100002-person.js';

export const acceptance: ServiceDefinition = {
  name: 'acceptance',
  port: 3002,
  migrations: [...MESSAGING_MIGRATIONS, ATTEMPT_MIGRATION, Acceptance1764000100001, Person1764000100002],
  module: async (env) => AcceptanceModule.register(await readAcceptanceConfig(env)),
};
