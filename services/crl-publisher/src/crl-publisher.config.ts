import { z } from 'zod';
import { databaseSettings, databaseUrlOf, httpUrl, openConfig, opened, seconds } from '#libs/config';
import { type KeyPair, readKeyPair } from '#libs/credentials';
import { type JobsBackend, jobsOf, jobsSettings } from '#libs/jobs';
import { type Transport, transportOf, transportSettings } from '#libs/messaging';

export interface CrlPublisherConfig {
  /** `DATABASE_URL`, and `KAIKA_DATABASE_PASSWORD_FILE` when it has no password: this service's application role. */
  databaseUrl: string;
  /** `KAIKA_BUS_URL`, the embedded log, or `KAFKA_BROKERS`: what carries events. */
  transport: Transport;
  /** `KAIKA_JOBS_URL`, PostgreSQL, or `REDIS_URL`: where BullMQ keeps the midnight job. */
  jobs: JobsBackend;
  /** `KAIKA_SUSPENSION_URL`: base address of the owner of the status log. */
  suspensionUrl: string;
  /** `KAIKA_SERVICE_KEY_FILE` (Ed25519 JWK): signs this service's own tokens for its peers. */
  serviceKey: KeyPair;
  /** `KAIKA_AUTHORITY_DIR`: what the ceremony left; the issuing CA's key signs the lists. */
  authorityDir: string;
  /** `KAIKA_CRL_DIR`: this replica's copy of what it serves; rebuilt from the database when lost. */
  crlDir: string;
  /**
   * `KAIKA_CRL_OVERLAP_SECONDS`, 6–12 h, default 8 h: how long a list outlives the moment its successor is due, which is
   * the time there is to mend whatever keeps the successor away.
   */
  overlapSeconds: number;
}

const HOUR = 3_600;

const settings = z.object({
  ...databaseSettings,
  ...transportSettings,
  ...jobsSettings,
  KAIKA_SUSPENSION_URL: httpUrl(),
  KAIKA_SERVICE_KEY_FILE: opened((path) => readKeyPair(path, 'Ed25519')),
  KAIKA_AUTHORITY_DIR: z.string(),
  KAIKA_CRL_DIR: z.string(),
  KAIKA_CRL_OVERLAP_SECONDS: seconds(6 * HOUR, 12 * HOUR).default(8 * HOUR),
});

/** @throws ConfigError naming the variables */
export async function readCrlPublisherConfig(env: NodeJS.ProcessEnv): Promise<CrlPublisherConfig> {
  const read = await openConfig(settings, env);
  return {
    databaseUrl: databaseUrlOf(read),
    transport: transportOf(read),
    jobs: jobsOf(read),
    suspensionUrl: read.KAIKA_SUSPENSION_URL,
    serviceKey: read.KAIKA_SERVICE_KEY_FILE,
    authorityDir: read.KAIKA_AUTHORITY_DIR,
    crlDir: read.KAIKA_CRL_DIR,
    overlapSeconds: read.KAIKA_CRL_OVERLAP_SECONDS,
  };
}

/** Injects the `Authority` (libs/pki): certificates and, on demand, the key that signs lists. */
export const AUTHORITY = Symbol('authority');
