import { readFile, stat } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';

/** A JWK set (RFC 7517 §5), as far as it must be right before it takes the place of another. */
export const keySet = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1, 'holds no key') });

export interface Keys {
  find: JWTVerifyGetKey;
  /** As the set has it, with members that are not of the key itself. */
  entry(kid: string | undefined): JWK | undefined;
}

/** The public keys of one issuer of tokens, in a file: noticed when it changes, so that a key can be taken away at once. */
export class KeyFile {
  #known: { stamp: string; keys: Keys } | undefined;
  #refused = '';

  /** @param warn told once of each file that can't be used; the keys before it go on being used */
  constructor(
    readonly path: string,
    private readonly warn: (error: unknown, message: string) => void = () => {},
  ) {}

  /** @throws Error when there never was a set of keys */
  async current(): Promise<Keys> {
    let stamp = 'missing';
    try {
      const { mtimeNs, size, ino } = await stat(this.path, { bigint: true });
      stamp = `${mtimeNs} ${size} ${ino}`;
      if (this.#known?.stamp !== stamp && this.#refused !== stamp) this.#known = { stamp, keys: await this.#read() };
    } catch (error) {
      if (this.#refused !== stamp) this.warn(error, 'the set of keys cannot be used');
      this.#refused = stamp;
    }
    if (!this.#known) throw new Error(`${this.path} holds no set of keys`);
    return this.#known.keys;
  }

  async #read(): Promise<Keys> {
    const set = keySet.parse(JSON.parse(await readFile(this.path, 'utf8'))) as JSONWebKeySet;
    return {
      find: createLocalJWKSet(set),
      entry: (kid) => (kid === undefined ? undefined : set.keys.find((key) => key.kid === kid)),
    };
  }
}
