import { createHash } from 'node:crypto';
import { DerReader, nothing, oid, spkiOf, type CertificateFacts } from '#libs/pki';
import { OCSP_OID } from './oids.js';
import type { CertId } from './request.js';

const HASHES = { sha1: OCSP_OID.sha1, sha256: OCSP_OID.sha256 } as const;

/**
 * Tells whether a CertID speaks of this issuer: hashes of its name and of its key (RFC 6960 §4.1.1), by SHA-1 as
 * RFC 5019 asks of clients, or by SHA-256. With any other hash the issuer can't be recognised: it counts as foreign.
 */
export class IssuerId {
  readonly #hashes = new Map<string, { name: Buffer; key: Buffer }>();

  constructor(issuer: Pick<CertificateFacts, 'nameDer' | 'publicKey'>) {
    const key = keyOctets(spkiOf(issuer.publicKey));
    for (const [hash, dotted] of Object.entries(HASHES)) {
      const digest = (bytes: Buffer) => createHash(hash).update(bytes).digest();
      const own = { name: digest(issuer.nameDer), key: digest(key) };
      const identifier = oid(dotted);
      // with NULL for parameters or without, and no other (RFC 5754 §2)
      this.#hashes.set(identifier.toString('hex'), own);
      this.#hashes.set(Buffer.concat([identifier, nothing()]).toString('hex'), own);
    }
  }

  matches({ hashAlgorithm, issuerNameHash, issuerKeyHash }: CertId): boolean {
    const own = this.#hashes.get(hashAlgorithm);
    return own !== undefined && own.name.equals(issuerNameHash) && own.key.equals(issuerKeyHash);
  }
}

/** The octets of subjectPublicKey's BIT STRING. */
function keyOctets(spki: Buffer): Buffer {
  const members = new DerReader(spki).into(0x30);
  members.next(0x30);
  return members.content(0x03).subarray(1);
}
