import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { calculateJwkThumbprint, type JWK } from 'jose';

/** Where the embedded default keeps its secrets: a folder only its user can read, each secret a file, made once. */
export class Secrets {
  constructor(readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** 32 random octets. @returns the file's path */
  random(name: string): string {
    return this.file(name, () => randomBytes(32));
  }

  /** A key pair as private JWK; the public half is beside it as `<name>.pub`. @returns the private key's path */
  async keyPair(name: string, kind: 'P-256' | 'Ed25519'): Promise<string> {
    const path = this.file(name, () => {
      const { privateKey } =
        kind === 'P-256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
      return Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' })));
    });
    const jwk = JSON.parse(readFileSync(path, 'utf8')) as JWK;
    if (!jwk.kid) replace(path, JSON.stringify({ ...jwk, kid: await calculateJwkThumbprint(jwk) }));
    const { d: _private, ...publicJwk } = this.jwk(name);
    replace(`${path}.pub`, JSON.stringify(publicJwk));
    return path;
  }

  jwk(name: string): JWK {
    return JSON.parse(readFileSync(join(this.dir, name), 'utf8')) as JWK;
  }

  /** Text made once, such as a password. */
  text(name: string): string {
    return readFileSync(
      this.file(name, () => Buffer.from(randomBytes(24).toString('hex'))),
      'utf8',
    );
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  private file(name: string, make: () => Buffer): string {
    const path = join(this.dir, name);
    if (!existsSync(path)) replace(path, make());
    return path;
  }
}

/** Whole or not at all: a start that is killed leaves no half secret. */
function replace(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
