import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import {
  algorithmOf,
  bitString,
  DerReader,
  explicit,
  integer,
  keyKind,
  SIGNATURE_ALGORITHMS,
  sequence,
  spkiOf,
  type Signer,
} from '#libs/pki';
import { DELEGATE_KEYS } from './delegate-certificate.js';

/** An RSA-2048 request has about 600 octets. */
const MAX_REQUEST_BYTES = 4_096;

/**
 * A certificate request (PKCS#10, RFC 2986) for the delegate's own key. It names nobody and asks for nothing: name,
 * dates and extensions are the issuing side's to choose.
 *
 * @returns DER
 * @throws CaError signerUnavailable
 */
export async function createDelegateRequest(signer: Signer): Promise<Buffer> {
  const noName = sequence();
  const noAttributes = explicit(0);
  const info = sequence(integer(0), noName, spkiOf(signer.publicKey), noAttributes);
  const algorithm = SIGNATURE_ALGORITHMS[signer.algorithm].identifier;
  return sequence(info, algorithm, bitString(await signer.sign(info)));
}

/**
 * The issuing side's check: the request is well-formed, whoever made it has the private key (its signature verifies),
 * and the key is one a delegate may have.
 *
 * @returns the key to certify
 * @throws CaError certificateRequestInvalid
 *
 * Not decided here: whether the sender may have a delegate's certificate, nor whether the key is the CA's own
 * (`lintDelegate` looks). The request's name and attributes are ignored.
 */
export function checkDelegateRequest(der: Uint8Array): KeyObject {
  if (der.length > MAX_REQUEST_BYTES) throw refuse(`more than ${MAX_REQUEST_BYTES} octets`);
  const { info, spki, algorithm, signature } = parsed(Buffer.from(der));
  const key = publicKey(spki);
  const kind = keyKind(key);
  if (kind === undefined || !DELEGATE_KEYS.includes(kind)) throw refuse(`a delegate takes no ${kind ?? 'such'} key`);
  if (!spkiOf(key).equals(spki)) throw refuse('the key is not encoded as DER has it');
  const { hash, identifier } = SIGNATURE_ALGORITHMS[algorithmOf(key)];
  if (!identifier.equals(algorithm)) throw refuse('signed with another algorithm');
  if (!verify(hash, info, key, signature)) throw refuse('its signature does not verify');
  return key;
}

const refuse = (problem: string, cause?: unknown) =>
  new CaError('certificateRequestInvalid', problem, { problem }, { cause });

function parsed(der: Buffer): { info: Buffer; spki: Buffer; algorithm: Buffer; signature: Buffer } {
  try {
    const outer = new DerReader(der);
    const request = outer.into(0x30);
    outer.finish();
    const info = request.whole(0x30);
    const algorithm = request.whole(0x30);
    const signature = request.content(0x03);
    request.finish();
    const fields = new DerReader(info).into(0x30);
    if (fields.integer() !== 0n) throw new Error('not version 1');
    fields.next(0x30);
    const spki = fields.whole(0x30);
    fields.next(0xa0);
    fields.finish();
    if (signature[0] !== 0) throw new Error('a signature of unused bits');
    return { info, spki, algorithm, signature: signature.subarray(1) };
  } catch (cause) {
    throw refuse('not a certificate request', cause);
  }
}

function publicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw refuse('the key cannot be read', cause);
  }
}
