import { createPrivateKey, createPublicKey, createSign, sign, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CaError } from '#libs/errors';
import { algorithmOf, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './keys.js';

/** A key that signs. Software keys below; an HSM's through PKCS#11 is the second implementation. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  /** @throws CaError signerUnavailable */
  sign(tbs: Uint8Array): Promise<Buffer>;
  /** For what is too big to hold in memory: the bytes go through the hash piece by piece. */
  begin(): SigningStream;
}

export interface SigningStream {
  update(bytes: Uint8Array): void;
  /** The signature over everything given. @throws CaError signerUnavailable */
  end(): Promise<Buffer>;
}

/**
 * RSA PKCS#1 v1.5 with SHA-256 (RFC 8017 §8.2), ECDSA with SHA-256 on P-256 and SHA-384 on P-384 (RFC 5758), by
 * node:crypto. RSA runs in the thread pool; a P-256 signature is shorter than the way there and back.
 */
export class SoftwareSigner implements Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  readonly #key: KeyObject;
  readonly #hash: string;

  /** @throws CaError signerUnavailable for a key of another kind */
  constructor(privateKey: KeyObject) {
    if (privateKey.type !== 'private') throw new CaError('signerUnavailable', 'not a private key');
    this.algorithm = algorithmOf(privateKey);
    this.publicKey = createPublicKey(privateKey);
    this.#key = privateKey;
    this.#hash = SIGNATURE_ALGORITHMS[this.algorithm].hash;
  }

  /**
   * @param path            encrypted PKCS#8, PEM
   * @param passphraseFile  its passphrase; blanks and line ends around it don't count
   * @throws CaError signerUnavailable, without a word about key or passphrase
   */
  static async fromFile(path: string, passphraseFile: string): Promise<SoftwareSigner> {
    let key: KeyObject;
    try {
      const [pem, passphrase] = await Promise.all([readFile(path), readFile(passphraseFile, 'utf8')]);
      if (!pem.includes('BEGIN ENCRYPTED PRIVATE KEY')) throw new Error('not an encrypted PKCS#8 file');
      key = createPrivateKey({ key: pem, format: 'pem', passphrase: passphrase.trim() });
    } catch (cause) {
      throw new CaError('signerUnavailable', 'the key file cannot be opened', {}, { cause });
    }
    return new SoftwareSigner(key);
  }

  async sign(tbs: Uint8Array): Promise<Buffer> {
    if (this.algorithm !== 'rsa-sha256') return sign(this.#hash, tbs, this.#key);
    return new Promise((resolve, reject) => {
      sign(this.#hash, tbs, this.#key, (cause, signature) =>
        cause ? reject(new CaError('signerUnavailable', 'signing failed', {}, { cause })) : resolve(signature),
      );
    });
  }

  begin(): SigningStream {
    const signing = createSign(this.#hash);
    return {
      update: (bytes) => void signing.update(bytes),
      end: async () => signing.sign(this.#key),
    };
  }
}
