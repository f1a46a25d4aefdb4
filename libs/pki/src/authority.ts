import { X509Certificate } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CaError } from '#libs/errors';
import { readCertificate, type CertificateFacts } from './certificate-reader.js';
import type { Issuer, IssuerUrls } from './certificate.js';
import { SoftwareSigner, type Signer } from './signer.js';

export const CA_ROLES = ['root', 'issuing', 'card'] as const;
export type CaRole = (typeof CA_ROLES)[number];

/** One CA: its certificate, what certificates it issues name, and its key on demand. */
export interface CaCertificate extends Issuer, CertificateFacts {
  readonly role: CaRole;
  /** Upper-case hex: the key of events, and the name of the file at caIssuers. */
  readonly skiHex: string;
  readonly pem: string;
  /** Opened at the first call. @throws CaError signerUnavailable */
  signer(): Promise<Signer>;
}

export interface Authority {
  readonly publicUrl: string;
  readonly root: CaCertificate;
  readonly issuing: CaCertificate;
  readonly card: CaCertificate;
  /** The root's own list, DER: empty, served at `<publicUrl>/crl/root.crl`. */
  readonly rootCrlFile: string;
}

/** Files of an authority's folder. Keys, passphrase and plan are 0600. */
export const authorityFiles = (dir: string) => ({
  plan: join(dir, 'authority.json'),
  passphrase: join(dir, 'passphrase'),
  rootCrl: join(dir, 'root.crl'),
  key: (role: CaRole) => join(dir, `${role}.key.pem`),
  tbs: (role: CaRole) => join(dir, `${role}.tbs`),
  certificate: (role: CaRole) => join(dir, `${role}.cer`),
});

/**
 * Where a CA's publications are found. Each key generation has its own list (DESIGN.md §1, DOMAIN.md §3); the card CA
 * publishes none.
 */
export function issuerUrls(publicUrl: string, role: CaRole, ski: Buffer): IssuerUrls {
  const caIssuers = `${publicUrl}/ca/${ski.toString('hex').toUpperCase()}.cer`;
  if (role === 'root') return { crl: [`${publicUrl}/crl/root.crl`], caIssuers };
  if (role === 'issuing') return { crl: [`${publicUrl}/crl/g1/complete.crl`], caIssuers, ocsp: `${publicUrl}/ocsp` };
  return { crl: [], caIssuers };
}

/**
 * Reads what the ceremony left. No key is opened before it is asked for.
 *
 * @param options.passphraseFile  when it is not in the folder
 * @throws CaError authorityUnavailable: something is missing, or doesn't belong together
 */
export async function loadAuthority(dir: string, options: { passphraseFile?: string } = {}): Promise<Authority> {
  const files = authorityFiles(dir);
  const passphraseFile = options.passphraseFile ?? files.passphrase;
  try {
    const { publicUrl } = JSON.parse(await readFile(files.plan, 'utf8')) as { publicUrl: string };
    const load = async (role: CaRole) =>
      caCertificate(role, await readFile(files.certificate(role)), publicUrl, () =>
        SoftwareSigner.fromFile(files.key(role), passphraseFile),
      );
    const [root, issuing, card] = await Promise.all([load('root'), load('issuing'), load('card')]);
    for (const ca of [root, issuing, card]) checkChain(ca, root);
    await access(files.rootCrl);
    return { publicUrl, root, issuing, card, rootCrlFile: files.rootCrl };
  } catch (cause) {
    throw new CaError('authorityUnavailable', 'the authority’s folder cannot be used', {}, { cause });
  }
}

export function caCertificate(
  role: CaRole,
  der: Buffer,
  publicUrl: string,
  open: () => Promise<Signer>,
): CaCertificate {
  const facts = readCertificate(der);
  let signer: Promise<Signer> | undefined;
  return {
    ...facts,
    role,
    skiHex: facts.ski.toString('hex').toUpperCase(),
    pem: new X509Certificate(der).toString(),
    urls: issuerUrls(publicUrl, role, facts.ski),
    signer: () => (signer ??= openFor(facts, open)),
  };
}

async function openFor(facts: CertificateFacts, open: () => Promise<Signer>): Promise<Signer> {
  const signer = await open();
  if (!signer.publicKey.equals(facts.publicKey)) {
    throw new CaError('signerUnavailable', 'the key is not the certificate’s');
  }
  return signer;
}

function checkChain(ca: CaCertificate, root: CaCertificate): void {
  const signed = new X509Certificate(ca.der).verify(root.publicKey);
  const belongs = ca.issuerDer.equals(root.nameDer) && ca.authorityKeyId.equals(root.ski);
  if (!signed || !belongs || !ca.keyUsage.includes('keyCertSign')) throw new Error(`${ca.role}: not of this root`);
}
