import { type KeyObject } from 'node:crypto';
import { compactDecrypt, CompactEncrypt } from 'jose';
import { parseSecretJson } from './sealed.js';

/** The row a sealed value stands in. A value copied to another row doesn't open there. */
export interface RecordId {
  readonly table: string;
  readonly id: string;
}

/**
 * Encrypts JSON for a column with a data key of 32 octets (RFC 7518 §4.5, §5.3). Table and id are in the protected header,
 * which is the additional authenticated data (RFC 7516 §5.1).
 *
 * @returns  compact JWE
 */
export async function sealRecord(key: KeyObject, { table, id }: RecordId, value: unknown): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(value)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', table, id })
    .encrypt(key);
}

/** @throws Error  when it was sealed for another row, with another key, or was changed */
export async function openRecord(key: KeyObject, { table, id }: RecordId, token: string): Promise<unknown> {
  const { plaintext, protectedHeader } = await compactDecrypt(token, key, {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  if (protectedHeader['table'] !== table || protectedHeader['id'] !== id) {
    throw new Error('the sealed value belongs to another row');
  }
  return parseSecretJson(plaintext);
}
