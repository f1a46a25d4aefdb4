import { ATTEMPT_MIGRATION } from '#libs/credentials';
import { DUAL_CONTROL_MIGRATION } from '#libs/dual-control';
import type { ServiceDefinition } from '#libs/host';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { readAcceptanceConfig } from './acceptance.config.js';
import { AcceptanceModule } from './acceptance.module.js';
import { Acceptance1764000100001 } from './migrations/1764000100001-acceptance.js';
import { Person1764000100002 } from './migrations/1764000100002-person.js';
import { Pin1764000100003 } from './migrations/1764000100003-pin.js';

export const acceptance: ServiceDefinition = {
  name: 'acceptance',
  port: 3002,
  migrations: [
    ...MESSAGING_MIGRATIONS,
    ...[ATTEMPT_MIGRATION, DUAL_CONTROL_MIGRATION],
    ...[Acceptance1764000100001, Person1764000100002, Pin1764000100003],
  ],
  module: async (env) => AcceptanceModule.register(await readAcceptanceConfig(env)),
};
