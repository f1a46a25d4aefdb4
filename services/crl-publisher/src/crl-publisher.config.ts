import { z } from 'zod';
import { httpUrl, readConfig, seconds, secretFile } from '#libs/config';

const HOUR = 3_600;

const variables = z.object({
  /** The application role's address; the schema is this service's own. */
  DATABASE_URL: z.string().min(1),
  KAIKA_BUS_URL: z.string().min(1).optional(),
  KAIKA_JOBS_URL: z.string().min(1),
  KAIKA_SUSPENSION_URL: httpUrl(),
  KAIKA_TOKEN_ISSUER: httpUrl(),
  KAIKA_SERVICE_KEY_FILE: secretFile(),
  KAIKA_AUTHORITY_DIR: z.string().min(1),
  /** Where each replica keeps the lists it serves; rebuilt from the database when lost. */
  KAIKA_CRL_DIR: z.string().min(1),
  /** How long a list outlives the moment its successor is due: time to mend what kept the successor away. */
  KAIKA_CRL_OVERLAP_SECONDS: seconds(6 * HOUR, 12 * HOUR).default(8 * HOUR),
});

export type CrlPublisherConfig = z.output<typeof variables>;

export const CRL_PUBLISHER_CONFIG = Symbol('crl-publisher config');

export const readCrlPublisherConfig = (env: NodeJS.ProcessEnv): CrlPublisherConfig => readConfig(variables, env);

/** Injects the `Authority` (libs/pki): certificates and, on demand, the key that signs lists. */
export const AUTHORITY = Symbol('authority');
