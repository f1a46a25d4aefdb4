import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { CaError } from '#libs/errors';
import { type ApduChannel } from './apdu.js';
import { cardError, SW } from './status-word.js';
import { requireTlv, tlv } from './tlv.js';

/** Ciphers of the card management key (9B) by their identifier in P1 (SP 800-78-5, table 6; 3DES in older cards). */
export const MANAGEMENT_ALGORITHMS = { '3des': 0x03, 'aes-128': 0x08, 'aes-192': 0x0a, 'aes-256': 0x0c } as const;
export type ManagementAlgorithm = keyof typeof MANAGEMENT_ALGORITHMS;

const CIPHERS = {
  '3des': { name: 'des-ede3-ecb', keyBytes: 24, blockBytes: 8 },
  'aes-128': { name: 'aes-128-ecb', keyBytes: 16, blockBytes: 16 },
  'aes-192': { name: 'aes-192-ecb', keyBytes: 24, blockBytes: 16 },
  'aes-256': { name: 'aes-256-ecb', keyBytes: 32, blockBytes: 16 },
} as const satisfies Record<ManagementAlgorithm, object>;

/** How long a key of each cipher is: 24 for 3DES, its parity bits among them. */
export const managementKeyBytes = (algorithm: ManagementAlgorithm) => CIPHERS[algorithm].keyBytes;
export const managementBlockBytes = (algorithm: ManagementAlgorithm) => CIPHERS[algorithm].blockBytes;

/** What YubiKeys, PivApplet and our virtual cards come with; each card gets its own in personalisation. */
export const FACTORY_MANAGEMENT_KEY = Buffer.from('0102030405060708'.repeat(3), 'hex');

const MANAGEMENT_KEY = 0x9b;
const [WITNESS, CHALLENGE, RESPONSE] = [0x80, 0x81, 0x82];

/**
 * One block in ECB mode, as GENERAL AUTHENTICATE has it.
 *
 * @throws CaError unknownCardKind when this host's OpenSSL has the cipher switched off (3DES in strict configurations)
 */
export function cryptBlock(
  direction: 'encrypt' | 'decrypt',
  algorithm: ManagementAlgorithm,
  key: Uint8Array,
  block: Uint8Array,
): Buffer {
  const { name, keyBytes, blockBytes } = CIPHERS[algorithm];
  if (key.length !== keyBytes) throw new RangeError(`a management key for ${algorithm} has ${keyBytes} octets`);
  if (block.length !== blockBytes) throw new RangeError(`a block of ${algorithm} has ${blockBytes} octets`);
  try {
    const cipher = direction === 'encrypt' ? createCipheriv(name, key, null) : createDecipheriv(name, key, null);
    cipher.setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]);
  } catch (cause) {
    throw new CaError('unknownCardKind', `OpenSSL of this host does not offer ${name}`, {}, { cause });
  }
}

/**
 * Mutual authentication (SP 800-73-5 part 2, appendix A.2): the card's witness is decrypted for it, and it encrypts our
 * challenge; both show that they have the key and neither sends it.
 *
 * @throws CaError managementKeyRefused when the card has another key or cipher; cardCommunication when it does not
 *                 prove that it has the key
 */
export async function authenticateMutually(
  channel: ApduChannel,
  algorithm: ManagementAlgorithm,
  key: Uint8Array,
): Promise<void> {
  const blockBytes = managementBlockBytes(algorithm);
  const ask = async (...elements: Buffer[]) => {
    const command = { ins: 0x87, p1: MANAGEMENT_ALGORITHMS[algorithm], p2: MANAGEMENT_KEY };
    const { sw, data } = await channel.send({ ...command, data: tlv(0x7c, ...elements), answer: true });
    if (sw === SW.SECURITY_STATUS || sw === SW.WRONG_DATA || sw === SW.WRONG_P1P2) throw refused();
    if (sw !== SW.OK) throw cardError(sw, 'authenticating with the management key');
    return requireTlv(data, 0x7c);
  };
  const witness = requireTlv(await ask(tlv(WITNESS)), WITNESS);
  if (witness.length !== blockBytes) throw wrongLength('witness');
  const plain = cryptBlock('decrypt', algorithm, key, witness);

  const challenge = randomBytes(blockBytes);
  const response = requireTlv(await ask(tlv(WITNESS, plain), tlv(CHALLENGE, challenge), tlv(RESPONSE)), RESPONSE);
  if (response.length !== blockBytes) throw wrongLength('response');
  if (!timingSafeEqual(response, cryptBlock('encrypt', algorithm, key, challenge))) {
    throw new CaError('cardCommunication', 'the card does not prove that it has the management key');
  }
}

/**
 * The ciphers that a key of this length may be for, the likeliest first. Where two fit, the card tells: it refuses to
 * begin with one it has no key for.
 */
export function candidates(key: Uint8Array, likeliest: ManagementAlgorithm): ManagementAlgorithm[] {
  const fitting = (Object.keys(CIPHERS) as ManagementAlgorithm[]).filter(
    (name) => CIPHERS[name].keyBytes === key.length,
  );
  if (fitting.length === 0) throw new RangeError('a management key has 16, 24 or 32 octets');
  return fitting.sort((a, b) => Number(b === likeliest) - Number(a === likeliest));
}

/** The data of SET MANAGEMENT KEY (INS FF): cipher, 9B, length, key. */
export function newManagementKey(algorithm: ManagementAlgorithm, key: Uint8Array): Buffer {
  const { keyBytes } = CIPHERS[algorithm];
  if (key.length !== keyBytes) throw new RangeError(`a management key for ${algorithm} has ${keyBytes} octets`);
  return Buffer.concat([Buffer.of(MANAGEMENT_ALGORITHMS[algorithm], MANAGEMENT_KEY, keyBytes), key]);
}

const refused = () => new CaError('managementKeyRefused', 'the card has another management key');
const wrongLength = (what: string) => new CaError('cardCommunication', `the card’s ${what} is not one block long`);
