import { constants, createHash, publicDecrypt, randomBytes, verify, type KeyObject } from 'node:crypto';
import { CaError } from '#libs/errors';
import { type PivCard, type Slot, SW, swText } from '#libs/piv';

const RSA_BYTES = 256;

/**
 * Whether the private key in a slot belongs to a public key: PIV has no command that reads a public key again, so the
 * card proves it by using the key on a random challenge. Read a 9C or 9D key after a fresh VERIFY.
 *
 * @returns false also when the slot holds no key of that kind
 * @throws CaError cardRemoved | cardCommunication
 */
export async function holdsKey(card: PivCard, slot: Slot, publicKey: KeyObject): Promise<boolean> {
  try {
    return await (publicKey.asymmetricKeyType === 'ec' ? signs(card, slot, publicKey) : raises(card, slot, publicKey));
  } catch (error) {
    const noSuchKey = error instanceof CaError && error.params['sw'] === swText(SW.WRONG_P1P2);
    if (noSuchKey) return false;
    throw error;
  }
}

async function signs(card: PivCard, slot: Slot, publicKey: KeyObject): Promise<boolean> {
  const challenge = randomBytes(32);
  const digest = createHash('sha256').update(challenge).digest();
  return verify('sha256', challenge, publicKey, await card.signPrepared(slot, 'p-256', digest));
}

/** The card raises a random number below the modulus to its private exponent; the public one undoes it. */
async function raises(card: PivCard, slot: Slot, publicKey: KeyObject): Promise<boolean> {
  const challenge = Buffer.concat([Buffer.of(0), randomBytes(RSA_BYTES - 1)]);
  const raised = await card.signPrepared(slot, 'rsa-2048', challenge);
  try {
    return publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, raised).equals(challenge);
  } catch {
    return false; // not below this modulus: another key's
  }
}
