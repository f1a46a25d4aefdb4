import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { databaseSettings, databaseUrlOf, httpUrl, openConfig, opened } from '#libs/config';
import { type KeyPair, Pepper, type PublicJwk, readKeyPair, readPublicJwk, readSecretKey } from '#libs/credentials';
import { type Transport, transportOf, transportSettings } from '#libs/messaging';

export interface AcceptanceConfig {
  /** `DATABASE_URL`, and `KAIKA_DATABASE_PASSWORD_FILE` when it has no password: this service's application role. */
  databaseUrl: string;
  /** `KAIKA_BUS_URL`, the embedded log, or `KAFKA_BROKERS`: what carries events. */
  transport: Transport;
  /** `KAIKA_SUSPENSION_URL`: base address of the service that decides over a card's status. */
  suspensionUrl: string;
  /** `KAIKA_SERVICE_KEY_FILE` (Ed25519 JWK): signs this service's own tokens for its peers. */
  serviceKey: KeyPair;
  /** `KAIKA_PORTAL_ORIGINS`, separated by commas: the pages whose origin a card's proof may name. Compared exactly. */
  portalOrigins: readonly string[];
  /** `KAIKA_PEPPER_FILE`: what verifiers of user codes were made with, 32 octets. */
  pepper: Pepper;
  /** `KAIKA_CREDENTIAL_KEY_FILE`: P-256 JWK that verifiers in events are sealed to. */
  credentialKey: KeyPair;
  /** `KAIKA_ISSUANCE_PUBLIC_KEY_FILE` (P-256 JWK): contact data, complaints and one-time codes are sealed to it. */
  issuanceKey: PublicJwk;
  /** `KAIKA_SUSPENSION_PUBLIC_KEY_FILE` (P-256 JWK): new user codes are sealed to it, and to this service itself. */
  suspensionKey: PublicJwk;
  /** `KAIKA_TRANSPORT_MASTER_FILE`: transport PINs are derived from it, 32 octets. */
  transportMaster: KeyObject;
  /** `KAIKA_PUK_MASTER_FILE`: PUKs are derived from it, 32 octets. */
  pukMaster: KeyObject;
  /** `KAIKA_PIN_RESET_CODE`: `mailed`: a PIN reset asks for a one-time code from the contact's mailbox too; `none`. */
  isPinResetCodeMailed: boolean;
  /** `KAIKA_JOB_KEY_FILE`: Ed25519 JWK that signs PIN jobs for the card agents. */
  jobKey: KeyObject;
}

const origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, 'must list origins: scheme://host[:port]');

const settings = z.object({
  ...databaseSettings,
  ...transportSettings,
  KAIKA_SUSPENSION_URL: httpUrl(),
  KAIKA_SERVICE_KEY_FILE: opened((path) => readKeyPair(path, 'Ed25519')),
  KAIKA_PORTAL_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(origin)),
  KAIKA_PEPPER_FILE: opened((path) => Pepper.read(path)),
  KAIKA_CREDENTIAL_KEY_FILE: opened((path) => readKeyPair(path, 'P-256')),
  KAIKA_ISSUANCE_PUBLIC_KEY_FILE: opened(readPublicJwk),
  KAIKA_SUSPENSION_PUBLIC_KEY_FILE: opened(readPublicJwk),
  KAIKA_TRANSPORT_MASTER_FILE: opened(readSecretKey),
  KAIKA_PUK_MASTER_FILE: opened(readSecretKey),
  KAIKA_PIN_RESET_CODE: z.enum(['mailed', 'none']).default('mailed'),
  KAIKA_JOB_KEY_FILE: opened((path) => readKeyPair(path, 'Ed25519')),
});

/** @throws ConfigError naming the variables, those too whose file holds something else */
export async function readAcceptanceConfig(env: NodeJS.ProcessEnv): Promise<AcceptanceConfig> {
  const read = await openConfig(settings, env);
  return {
    databaseUrl: databaseUrlOf(read),
    transport: transportOf(read),
    suspensionUrl: read.KAIKA_SUSPENSION_URL,
    serviceKey: read.KAIKA_SERVICE_KEY_FILE,
    portalOrigins: read.KAIKA_PORTAL_ORIGINS,
    pepper: read.KAIKA_PEPPER_FILE,
    credentialKey: read.KAIKA_CREDENTIAL_KEY_FILE,
    issuanceKey: read.KAIKA_ISSUANCE_PUBLIC_KEY_FILE,
    suspensionKey: read.KAIKA_SUSPENSION_PUBLIC_KEY_FILE,
    transportMaster: read.KAIKA_TRANSPORT_MASTER_FILE,
    pukMaster: read.KAIKA_PUK_MASTER_FILE,
    isPinResetCodeMailed: read.KAIKA_PIN_RESET_CODE === 'mailed',
    jobKey: read.KAIKA_JOB_KEY_FILE.privateKey,
  };
}
