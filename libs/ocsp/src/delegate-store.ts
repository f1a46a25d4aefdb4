import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CaError } from '#libs/errors';
import { keepOnce, keyIdentifier, readCertificate, SoftwareSigner, spkiOf, type CertificateFacts } from '#libs/pki';
import { isValidAt, openDelegate, type Delegate } from './delegate.js';
import { createDelegateRequest } from './delegate-request.js';

export interface DelegateStoreOptions {
  /** Made with 0700 if missing. Only this responder's. */
  readonly dir: string;
  /** The CA the delegates speak for. */
  readonly issuer: CertificateFacts;
  /** Of new keys; P-256 if not given, RSA-2048 for relying parties without ECDSA. */
  readonly keyKind?: 'rsa-2048' | 'p-256';
  /** Of the key files; `<dir>/passphrase` if not given. Made if missing. */
  readonly passphraseFile?: string;
  /** Hears, in plain words, of a key or certificate in the folder that can't be used. */
  readonly log: (line: string) => void;
}

const KEY = '.key.pem';
const CERTIFICATE = '.cer';

/**
 * A responder's keys and certificates, in a folder: `<key identifier>.key.pem` (encrypted PKCS#8, 0600) and
 * `<key identifier>.cer`. A key without a certificate is waiting for one. Files appear whole and are never replaced:
 * every renewal has its own key, and the one in use stays until it expires.
 */
export class DelegateStore {
  constructor(private readonly options: DelegateStoreOptions) {}

  /** The delegate that is valid longest, or undefined when none is valid now. */
  async current(now: Date): Promise<Delegate | undefined> {
    let best: Delegate | undefined;
    for (const id of await this.ids(CERTIFICATE)) {
      const delegate = await this.open(id);
      if (delegate && isValidAt(delegate, now) && (!best || delegate.notAfter > best.notAfter)) best = delegate;
    }
    return best;
  }

  /**
   * A certificate request for a key that has no certificate yet, made if there is none: asking again after a crash or
   * a lost answer asks for the same key.
   *
   * @throws CaError signerUnavailable
   */
  async request(): Promise<Buffer> {
    const certified = new Set(await this.ids(CERTIFICATE));
    const waiting = (await this.ids(KEY)).find((id) => !certified.has(id));
    return createDelegateRequest(await this.signer(waiting ?? (await this.newKey())));
  }

  /**
   * Takes what the issuing side answered.
   *
   * @throws CaError certificateLint | signerUnavailable: not of the profile, not of this issuer, not of a key here
   */
  async install(certificate: Uint8Array): Promise<Delegate> {
    const der = Buffer.from(certificate);
    const id = idOf(readFacts(der).publicKey);
    const delegate = openDelegate(der, this.options.issuer, await this.signer(id));
    await keepOnce(this.path(id, CERTIFICATE), 0o644, async () => der);
    return delegate;
  }

  /** Removes keys and certificates that expired before `now`. */
  async prune(now: Date): Promise<void> {
    for (const id of await this.ids(CERTIFICATE)) {
      const der = await readFile(this.path(id, CERTIFICATE));
      if (readFacts(der).notAfter >= now) continue;
      // the key first: a certificate without one is no delegate, a key without one would be asked for again
      await rm(this.path(id, KEY), { force: true });
      await rm(this.path(id, CERTIFICATE), { force: true });
    }
  }

  private async open(id: string): Promise<Delegate | undefined> {
    try {
      const der = await readFile(this.path(id, CERTIFICATE));
      return openDelegate(der, this.options.issuer, await this.signer(id));
    } catch (error) {
      if (!(error instanceof CaError)) throw error;
      this.options.log(`OCSP delegate ${id} cannot be used: ${error.message}`);
      return undefined;
    }
  }

  private async newKey(): Promise<string> {
    await mkdir(this.options.dir, { recursive: true, mode: 0o700 });
    const passphrase = await keepOnce(this.passphraseFile, 0o600, async () => randomBytes(32).toString('base64url'));
    const { privateKey, publicKey } = await newKeyPair(this.options.keyKind ?? 'p-256');
    const id = idOf(publicKey);
    await keepOnce(this.path(id, KEY), 0o600, async () =>
      privateKey.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: passphrase.toString('utf8').trim(),
      }),
    );
    return id;
  }

  private signer(id: string): Promise<SoftwareSigner> {
    return SoftwareSigner.fromFile(this.path(id, KEY), this.passphraseFile);
  }

  private get passphraseFile(): string {
    return this.options.passphraseFile ?? join(this.options.dir, 'passphrase');
  }

  private path(id: string, ending: string): string {
    return join(this.options.dir, `${id}${ending}`);
  }

  /** Key identifiers that have a file of this kind. */
  private async ids(ending: string): Promise<string[]> {
    const names = await readdir(this.options.dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const ids = names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
    return ids.filter((id) => /^[0-9A-F]{40}$/.test(id)).sort();
  }
}

const idOf = (key: KeyObject): string => keyIdentifier(spkiOf(key)).toString('hex').toUpperCase();

function readFacts(der: Buffer): CertificateFacts {
  try {
    return readCertificate(der);
  } catch (cause) {
    throw new CaError('certificateLint', 'delegate: not a certificate', { problems: ['cannot be read'] }, { cause });
  }
}

const generate = promisify(generateKeyPair);

async function newKeyPair(kind: 'rsa-2048' | 'p-256'): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  return kind === 'p-256' ? generate('ec', { namedCurve: 'P-256' }) : generate('rsa', { modulusLength: 2048 });
}
