import { ATTEMPT_MIGRATION } from '#libs/credentials';
import { CLOCK_MIGRATION } from '#libs/database';
import { IDEMPOTENCY_MIGRATION } from '#libs/idempotency';
import { MESSAGING_MIGRATIONS } from '#libs/messaging';
import { EmergencyCut1764000001100 } from './emergency-cut.migration.js';
import { Suspension1764000001000 } from './suspension.migration.js';

export const MIGRATIONS = [
  CLOCK_MIGRATION,
  ...MESSAGING_MIGRATIONS,
  ATTEMPT_MIGRATION,
  IDEMPOTENCY_MIGRATION,
  Suspension1764000001000,
  EmergencyCut1764000001100,
];
