import { z } from 'zod';
import { databaseSettings, databaseUrlOf, httpUrl, openConfig, opened } from '#libs/config';
import { type KeyPair, readKeyPair } from '#libs/credentials';
import { type Transport, transportOf, transportSettings } from '#libs/messaging';

export interface StatusQueryConfig {
  /** `DATABASE_URL`, and `KAIKA_DATABASE_PASSWORD_FILE` when it has no password: this service's application role. */
  databaseUrl: string;
  /** `KAIKA_BUS_URL`, the embedded log, or `KAFKA_BROKERS`: what carries events. */
  transport: Transport;
  /** `KAIKA_SUSPENSION_URL`: base address of the owner of the status log, asked for rows the bus did not bring. */
  suspensionUrl: string;
  /** `KAIKA_SERVICE_KEY_FILE` (Ed25519 JWK): signs this service's own tokens for its peers. */
  serviceKey: KeyPair;
  /**
   * `KAIKA_AUTHORITY_DIR`: what the ceremony left. The CAs' certificates alone are used: a copy without keys and
   * passphrase will do.
   */
  authorityDir: string;
  /** `KAIKA_ISSUANCE_URL`: base address of the service that certifies OCSP delegates and knows every certificate. */
  issuanceUrl: string;
  /** `KAIKA_OCSP_DIR`: this replica's own keys and certificates as OCSP delegate; made anew when lost. */
  ocspDir: string;
  /** `KAIKA_OCSP_KEY`: kind of the delegate's keys; `rsa-2048` for relying parties that don't know ECDSA. */
  ocspKey: 'p-256' | 'rsa-2048';
}

const settings = z.object({
  ...databaseSettings,
  ...transportSettings,
  KAIKA_SUSPENSION_URL: httpUrl(),
  KAIKA_SERVICE_KEY_FILE: opened((path) => readKeyPair(path, 'Ed25519')),
  KAIKA_AUTHORITY_DIR: z.string(),
  KAIKA_ISSUANCE_URL: httpUrl(),
  KAIKA_OCSP_DIR: z.string(),
  KAIKA_OCSP_KEY: z.enum(['p-256', 'rsa-2048']).default('p-256'),
});

/** @throws ConfigError naming the variables */
export async function readStatusQueryConfig(env: NodeJS.ProcessEnv): Promise<StatusQueryConfig> {
  const read = await openConfig(settings, env);
  return {
    databaseUrl: databaseUrlOf(read),
    transport: transportOf(read),
    suspensionUrl: read.KAIKA_SUSPENSION_URL,
    serviceKey: read.KAIKA_SERVICE_KEY_FILE,
    authorityDir: read.KAIKA_AUTHORITY_DIR,
    issuanceUrl: read.KAIKA_ISSUANCE_URL,
    ocspDir: read.KAIKA_OCSP_DIR,
    ocspKey: read.KAIKA_OCSP_KEY,
  };
}
