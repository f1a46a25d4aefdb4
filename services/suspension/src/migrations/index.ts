import { ATTEMPT_MIGRATION } from '#libs/credentials';
import { CLOCK_MIGRATION } from '#libs/database';
import { DUAL_CONTROL_MIGRATION } from '#libs/dual-control';
import { IDEMPOTENCY_MIGRATION } from '#libs/idempotency';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { EmergencyCut1764000001100 } from './emergency-cut.migration.js';
import { LogLock1764000003000 } from './log-lock.migration.js';
import { Officers1764000002000 } from './officers.migration.js';
import { Suspension1764000001000 } from './suspension.migration.js';

export const MIGRATIONS = [
  CLOCK_MIGRATION,
  ...MESSAGING_MIGRATIONS,
  ATTEMPT_MIGRATION,
  IDEMPOTENCY_MIGRATION,
  DUAL_CONTROL_MIGRATION,
  Suspension1764000001000,
  EmergencyCut1764000001100,
  Officers1764000002000,
  LogLock1764000003000,
];
