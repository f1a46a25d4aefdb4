import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import { ensureSecretFile, readSecretFile } from './secret-file.js';

/** What is seasoned is printable ASCII, so its HMAC is never that of a request under this prefix. */
const REQUEST_HASH = 'kaika/request-hash/v1\0';

/**
 * The secret outside the database without which its verifiers can't be guessed offline. Each service that checks codes
 * needs the same one.
 */
export class Pepper {
  readonly #key: KeyObject;

  constructor(secret: Buffer) {
    if (secret.length !== 32) throw new Error('a pepper has 32 octets');
    this.#key = createSecretKey(secret);
  }

  /** @throws Error  naming the file */
  static read(path: string): Pepper {
    return new Pepper(readSecretFile(path));
  }

  /** Makes the file (0600) when it doesn't exist. */
  static ensure(path: string): Pepper {
    return new Pepper(ensureSecretFile(path));
  }

  /** HMAC-SHA256 of the code (printable ASCII): what scrypt gets instead of the code. */
  season(code: string): Buffer {
    return createHmac('sha256', this.#key).update(code, 'utf8').digest();
  }

  /**
   * Keyed hash of a request that may hold a user code: a bare hash of it could be guessed. The order of members doesn't
   * matter (RFC 8785), `undefined` members count as absent.
   *
   * @param value  JSON
   * @returns      43 characters, base64url
   */
  secretHash(value: unknown): string {
    return createHmac('sha256', this.#key)
      .update(REQUEST_HASH)
      .update(canonicalize(value) ?? '')
      .digest('base64url');
  }
}
