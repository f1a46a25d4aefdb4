import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { toWholeSeconds, type Clock } from '#libs/clock';
import {
  authorityFiles,
  CA_ROLES,
  caCertificate,
  loadAuthority,
  type Authority,
  type CaCertificate,
  type CaRole,
} from './authority.js';
import { buildTbs, newSerial, signTbs, type CertificateParams } from './certificate.js';
import { writeCrl } from './crl-writer.js';
import { DerReader } from './der-reader.js';
import { keepOnce } from './files.js';
import type { KeyKind } from './keys.js';
import { lint } from './lint.js';
import { notAfterFor, PROFILES, type Profile } from './profiles.js';
import { ROOT_CRL_DAYS } from './root-list.js';
import { SoftwareSigner } from './signer.js';

export interface CeremonyOptions {
  /** Made with 0700 if missing. */
  readonly dir: string;
  /** In every certificate, so it must be what relying parties can reach; http, no slash at its end. */
  readonly publicUrl: string;
  readonly clock: Clock;
  /** O of the CAs. */
  readonly organization?: string;
  /** RSA-4096 for root and issuing CA, P-256 for the card CA, unless others of the profiles are given. */
  readonly keys?: Partial<Record<CaRole, KeyKind>>;
  /** Beginning of the CAs' lives; now if not given. */
  readonly notBefore?: Date;
  /** Of the key files; `<dir>/passphrase` if not given. Made if missing. */
  readonly passphraseFile?: string;
  /** Hears of each step, in plain words. */
  readonly log: (step: string) => void;
}

/** Everything that decides what a ceremony makes. Written first: one that was interrupted goes on with the same. */
interface Plan {
  readonly version: 1;
  readonly publicUrl: string;
  readonly organization: string;
  readonly keys: Record<CaRole, KeyKind>;
  readonly notBefore: string;
}

const CAS = {
  root: { profile: PROFILES.root, unit: 'kaika Root CA - G1' },
  issuing: { profile: PROFILES.issuingCa, unit: 'kaika Business Card CA - G1' },
  card: { profile: PROFILES.cardCa, unit: 'kaika Card Authentication CA - G1' },
} as const satisfies Record<CaRole, { profile: Profile; unit: string }>;

const DEFAULT_KEYS: Record<CaRole, KeyKind> = { root: 'rsa-4096', issuing: 'rsa-4096', card: 'p-256' };
const DAY_MS = 86_400_000;

/**
 * The first start: root, issuing CA G1, card CA and the root's empty list, in a folder. Every file appears whole and is
 * never replaced, so a second run, also one at the same time, goes on where the first stopped and ends with the same
 * authority: there is never a second root. The bytes of each certificate are stored before they are signed.
 *
 * @throws CaError certificateLint | authorityUnavailable | signerUnavailable
 *
 * Not done here: keys in an HSM, a later generation; the root's next list is `renewRootCrl`.
 */
export async function ceremony(options: CeremonyOptions): Promise<Authority> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const files = authorityFiles(options.dir);
  const plan = await keepPlan(options, files.plan);
  const passphraseFile = options.passphraseFile ?? files.passphrase;
  const passphrase = await keepOnce(passphraseFile, 0o600, async () => randomBytes(32).toString('base64url'));
  const secret = passphrase.toString('utf8').trim();
  const keys = await Promise.allSettled(CA_ROLES.map((role) => keepKey(options, plan.keys[role], role, secret)));
  for (const key of keys) if (key.status === 'rejected') throw key.reason; // only when none is being made any more
  const root = await keepCertificate(options, plan, 'root');
  await keepCertificate(options, plan, 'issuing', root);
  await keepCertificate(options, plan, 'card', root);
  await keepRootCrl(options, root);
  return loadAuthority(options.dir, options);
}

async function keepPlan(options: CeremonyOptions, file: string): Promise<Plan> {
  const plan: Plan = {
    version: 1,
    publicUrl: options.publicUrl,
    organization: options.organization ?? 'kaika',
    keys: { ...DEFAULT_KEYS, ...options.keys },
    notBefore: toWholeSeconds(options.notBefore ?? options.clock.now()).toISOString(),
  };
  const kept = await keepOnce(file, 0o600, async () => `${JSON.stringify(plan, undefined, 2)}\n`);
  return JSON.parse(kept.toString('utf8')) as Plan;
}

async function keepKey({ dir, log }: CeremonyOptions, kind: KeyKind, role: CaRole, passphrase: string): Promise<void> {
  const files = authorityFiles(dir);
  // A key that has its certificate and is not here is somewhere else, or lost: another one would be of no use.
  if (existsSync(files.certificate(role))) return;
  await keepOnce(files.key(role), 0o600, async () => {
    log(`${role} CA: making a ${kind.toUpperCase()} key`);
    const key = await newPrivateKey(kind);
    return key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  });
}

const generate = promisify(generateKeyPair);

async function newPrivateKey(kind: KeyKind): Promise<KeyObject> {
  if (kind === 'p-256' || kind === 'p-384') {
    return (await generate('ec', { namedCurve: kind.toUpperCase() })).privateKey;
  }
  return (await generate('rsa', { modulusLength: Number(kind.slice('rsa-'.length)) })).privateKey;
}

async function keepCertificate(
  options: CeremonyOptions,
  plan: Plan,
  role: CaRole,
  root?: CaCertificate,
): Promise<CaCertificate> {
  const files = authorityFiles(options.dir);
  const open = (of: CaRole) => SoftwareSigner.fromFile(files.key(of), options.passphraseFile ?? files.passphrase);
  const der = await keepOnce(files.certificate(role), 0o644, async () => {
    options.log(`${role} CA: certificate`);
    const { publicKey } = await open(role);
    const { profile } = CAS[role];
    const fresh = paramsOf(plan, role, publicKey, root);
    const tbs = await keepOnce(files.tbs(role), 0o644, async () => buildTbs(profile, fresh));
    const params = { ...fresh, serial: serialIn(tbs) };
    lint(tbs, profile, params);
    const signed = await signTbs(tbs, root ? await root.signer() : await open('root'));
    lint(signed, profile, params);
    return signed;
  });
  return caCertificate(role, der, plan.publicUrl, () => open(role));
}

function paramsOf(plan: Plan, role: CaRole, publicKey: KeyObject, root?: CaCertificate): CertificateParams {
  const notBefore = new Date(plan.notBefore);
  return {
    serial: newSerial(),
    issuer: root ?? 'self',
    subject: { C: 'TW', O: plan.organization, OU: CAS[role].unit },
    publicKey,
    notBefore,
    notAfter: notAfterFor(CAS[role].profile, notBefore, root?.notAfter),
  };
}

/** The serial that was stored is the one that counts. */
function serialIn(tbs: Buffer): string {
  const fields = new DerReader(tbs);
  fields.enter(0x30);
  fields.next(0xa0);
  return fields.text(0x02, 'hex').toUpperCase();
}

async function keepRootCrl({ dir, clock, log }: CeremonyOptions, root: CaCertificate): Promise<void> {
  const file = authorityFiles(dir).rootCrl;
  await keepOnce(file, 0o644, async () => {
    log('root CA: its first, empty list');
    const now = toWholeSeconds(clock.now());
    const thisUpdate = now < root.notBefore ? root.notBefore : now;
    const nextUpdate = new Date(thisUpdate.getTime() + ROOT_CRL_DAYS * DAY_MS);
    const draft = `${file}.${randomBytes(6).toString('hex')}.draft`;
    const signer = await root.signer();
    await writeCrl({ signer, issuer: root, number: 1n, thisUpdate, nextUpdate, entries: [], file: draft });
    const der = await readFile(draft);
    await rm(draft);
    return der;
  });
}
