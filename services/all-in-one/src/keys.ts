import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureKeyPair, ensureSecretFile, type KeyPair, type PublicJwk, replaceFile } from '#libs/credentials';
import { serviceKeySet } from '#libs/doors';

/** Services that ask others, by tokens of their own: the private key of each is `<service>-token.jwk`. */
export const WITH_TOKENS = ['acceptance', 'crl-publisher', 'status-query'] as const;

/** The secrets of an embedded instance: each a file of its own below `DATA_DIR/secrets`, made at the first start. */
export interface Keys {
  dir: string;
  /** Signs the tokens of demo users. */
  issuer: KeyPair;
  jwksFile: string;
  /** Public halves of the keys by which services sign their own tokens. */
  serviceJwksFile: string;
  /** The card agent trusts PIN jobs signed by its private half. */
  jobPublicKey: PublicJwk;
  env: NodeJS.ProcessEnv;
}

export async function ensureKeys(dataDir: string): Promise<Keys> {
  const dir = join(dataDir, 'secrets');
  const file = (name: string) => join(dir, name);
  const masters = ['transport-master', 'puk-master', 'management-master'];
  for (const name of ['pepper', 'data-key', ...masters, 'database-roles']) ensureSecretFile(file(name));
  await ensureKeyPair(file('issuance.jwk'), 'P-256');
  await ensureKeyPair(file('acceptance.jwk'), 'P-256');
  await ensureKeyPair(file('suspension.jwk'), 'P-256');
  const jobs = await ensureKeyPair(file('pin-jobs.jwk'), 'Ed25519');
  const issuer = await ensureKeyPair(file('issuer.jwk'), 'Ed25519');
  const jwksFile = file('jwks.json');
  replaceFile(jwksFile, JSON.stringify({ keys: [issuer.publicJwk] }));
  const ownKeys: Record<string, PublicJwk> = {};
  for (const service of WITH_TOKENS) {
    ownKeys[service] = (await ensureKeyPair(file(`${service}-token.jwk`), 'Ed25519')).publicJwk;
  }
  const serviceJwksFile = file('service-jwks.json');
  replaceFile(serviceJwksFile, JSON.stringify(serviceKeySet(ownKeys)));
  return {
    dir,
    issuer,
    jwksFile,
    serviceJwksFile,
    jobPublicKey: jobs.publicJwk,
    env: {
      KAIKA_PEPPER_FILE: file('pepper'),
      KAIKA_DATA_KEY_FILE: file('data-key'),
      KAIKA_TRANSPORT_MASTER_FILE: file('transport-master'),
      KAIKA_PUK_MASTER_FILE: file('puk-master'),
      KAIKA_MANAGEMENT_MASTER_FILE: file('management-master'),
      KAIKA_ISSUANCE_PUBLIC_KEY_FILE: file('issuance.jwk.pub'),
      KAIKA_ACCEPTANCE_PUBLIC_KEY_FILE: file('acceptance.jwk.pub'),
      KAIKA_SUSPENSION_PUBLIC_KEY_FILE: file('suspension.jwk.pub'),
      KAIKA_JOB_KEY_FILE: file('pin-jobs.jwk'),
    },
  };
}

/** Passwords of a service's database roles, derived from one secret so that each start sets the same again. */
export function rolePasswords({ dir }: Keys, service: string): { owner: string; app: string } {
  const secret = readFileSync(join(dir, 'database-roles'));
  const derive = (role: string) =>
    Buffer.from(hkdfSync('sha256', secret, '', `kaika/${service}/${role}`, 24)).toString('hex');
  return { owner: derive('owner'), app: derive('app') };
}
