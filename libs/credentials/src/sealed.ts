import { generalDecrypt, GeneralEncrypt, type GeneralJWE } from 'jose';
import { type KeyPair, type PublicJwk } from './key-pair.js';

/** A JWE in general JSON serialization (RFC 7516 §7.2.1): one ciphertext, a wrapped key for each recipient. */
export type Sealed = { [K in keyof GeneralJWE]: GeneralJWE[K] };

const KEY_WRAP = 'ECDH-ES+A256KW';
const CIPHER = 'A256GCM';

/**
 * Encrypts JSON to one or several P-256 keys (RFC 7518 §4.6, §5.3). Any one of their owners opens it.
 *
 * @param context  what the payload belongs to; authenticated, readable, and to be named again when opening, so that
 *                 nobody who can write events gives one card the secret of another
 */
export async function sealFor(recipients: readonly PublicJwk[], payload: unknown, context: string): Promise<Sealed> {
  if (recipients.length === 0) throw new Error('sealed to nobody');
  const jwe = new GeneralEncrypt(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ enc: CIPHER })
    .setAdditionalAuthenticatedData(Buffer.from(context));
  for (const { kid, ...jwk } of recipients) {
    jwe.addRecipient(jwk).setUnprotectedHeader({ alg: KEY_WRAP, kid });
  }
  return jwe.encrypt();
}

/** @throws Error  when it is not sealed to this key, belongs to another context, or was changed */
export async function openSealed(keyPair: KeyPair, sealed: Record<string, unknown>, context: string): Promise<unknown> {
  const { plaintext, additionalAuthenticatedData } = await generalDecrypt(
    sealed as unknown as GeneralJWE,
    (_header, token) => {
      if (token.header?.kid !== keyPair.kid) throw new Error('another recipient');
      return keyPair.privateKey;
    },
    { keyManagementAlgorithms: [KEY_WRAP], contentEncryptionAlgorithms: [CIPHER] },
  );
  if (Buffer.from(additionalAuthenticatedData ?? []).toString() !== context) {
    throw new Error('the sealed payload belongs to something else');
  }
  return parseSecretJson(plaintext);
}

/** The parser's own message would quote the secret, so no cause is kept here. */
export function parseSecretJson(plaintext: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(plaintext).toString());
  } catch {
    throw new Error('the decrypted payload is not JSON');
  }
}
