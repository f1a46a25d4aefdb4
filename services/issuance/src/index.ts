import { ATTEMPT_MIGRATION } from '#libs/credentials';
import { DUAL_CONTROL_MIGRATION } from '#libs/dual-control';
import type { ServiceDefinition } from '#libs/host';
import { IDEMPOTENCY_MIGRATION } from '#libs/idempotency';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { readIssuanceConfig } from './issuance.config.js';
import { IssuanceModule } from './issuance.module.js';
import { Issuance1764000001000 } from './migrations/1764000001000-issuance.js';
import { Intake1764000003000 } from './migrations/1764000003000-intake.js';
import { Delegates1764000004000 } from './migrations/1764000004000-delegates.js';
import { Notices1764000005000 } from './migrations/1764000005000-notices.js';
import { Stations1764000006000 } from './migrations/1764000006000-stations.js';
import { Returns1764000007000 } from './migrations/1764000007000-returns.js';
import { ApplicationNotices1764000008000 } from './migrations/1764000008000-application-notices.js';

export const issuance: ServiceDefinition = {
  name: 'issuance',
  port: 3001,
  migrations: [
    ...[...MESSAGING_MIGRATIONS, ATTEMPT_MIGRATION, IDEMPOTENCY_MIGRATION, DUAL_CONTROL_MIGRATION],
    ...[Issuance1764000001000, Intake1764000003000, Delegates1764000004000, Notices1764000005000],
    ...[Stations1764000006000, Returns1764000007000, ApplicationNotices1764000008000],
  ],
  module: async (env) => IssuanceModule.register(await readIssuanceConfig(env)),
};
