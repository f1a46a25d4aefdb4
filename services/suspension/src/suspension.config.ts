import { z } from 'zod';
import { databaseSettings, databaseUrlOf, openConfig, opened } from '#libs/config';
import { type KeyPair, Pepper, readKeyPair } from '#libs/credentials';
import { type Transport, transportOf, transportSettings } from '#libs/messaging';
import { DEADLINE_ACTIONS, DeadlineSettings } from './deadline/acceptance-deadline.js';

export interface SuspensionConfig {
  /** `DATABASE_URL`, and `KAIKA_DATABASE_PASSWORD_FILE` when it has no password: this service's application role. */
  databaseUrl: string;
  /** `KAIKA_BUS_URL`, the embedded log, or `KAFKA_BROKERS`: what carries events. */
  transport: Transport;
  /** `KAIKA_PEPPER_FILE`: what verifiers of user codes were made with, 32 octets. */
  pepper: Pepper;
  /** `KAIKA_CREDENTIAL_KEY_FILE`: P-256 JWK that verifiers in events are sealed to. */
  credentialKey: KeyPair;
  /**
   * `KAIKA_ACCEPTANCE_DEADLINE_DAYS` (90) after issue, and what happens then: `KAIKA_ACCEPTANCE_DEADLINE_ACTION`, `none`,
   * `hold` (default) or `revoke`, as privilegeWithdrawn.
   */
  deadline: DeadlineSettings;
}

const settings = z.object({
  ...databaseSettings,
  ...transportSettings,
  KAIKA_PEPPER_FILE: opened((path) => Pepper.read(path)),
  KAIKA_CREDENTIAL_KEY_FILE: opened((path) => readKeyPair(path, 'P-256')),
  KAIKA_ACCEPTANCE_DEADLINE_DAYS: z.coerce.number().int().min(1).max(3_650).default(90),
  KAIKA_ACCEPTANCE_DEADLINE_ACTION: z.enum(DEADLINE_ACTIONS).default('hold'),
});

/** @throws ConfigError naming the variables, those too whose file holds something else */
export async function readSuspensionConfig(env: NodeJS.ProcessEnv): Promise<SuspensionConfig> {
  const read = await openConfig(settings, env);
  return {
    databaseUrl: databaseUrlOf(read),
    transport: transportOf(read),
    pepper: read.KAIKA_PEPPER_FILE,
    credentialKey: read.KAIKA_CREDENTIAL_KEY_FILE,
    deadline: new DeadlineSettings(read.KAIKA_ACCEPTANCE_DEADLINE_DAYS, read.KAIKA_ACCEPTANCE_DEADLINE_ACTION),
  };
}
