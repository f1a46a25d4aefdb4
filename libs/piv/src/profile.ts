import { CaError } from '#libs/errors';
import { type ManagementAlgorithm } from './management-key.js';
import { findTlv } from './tlv.js';

/** What differs between families of PIV cards, as data. Chosen by what SELECT answers. */
export interface CardProfile {
  readonly name: string;
  /** What the card takes in a PIN. Values made by the centre are 8 digits, which every card takes. */
  readonly pinCharset: 'digits' | 'ascii';
  /** The longest DER certificate that fits beside its container's other elements. */
  readonly maxCertBytes: number;
  /** A certificate may be stored compressed (element 71 = 01). */
  readonly gzip: boolean;
  /** The cipher of 9B as such a card is delivered; where `vendorCommands` are, the card itself says what it has now. */
  readonly managementAlgorithm: ManagementAlgorithm;
  /** GET METADATA (F7) and SET MANAGEMENT KEY (FF). Elsewhere the maker's own means set the management key. */
  readonly vendorCommands: boolean;
  /** What a blocked PIN and a blocked PUK together do to the card: never let it come to this. */
  readonly bothBlocked: 'dead' | 'wiped-by-reset' | 'keys-erased';
}

/** SP 800-73-5 part 1, table 3: a certificate container of 1,905 octets; PIN of digits. */
export const PLAIN_PIV: CardProfile = {
  ...{ name: 'piv', pinCharset: 'digits', maxCertBytes: 1_856, gzip: false },
  ...{ managementAlgorithm: 'aes-128', vendorCommands: false, bothBlocked: 'dead' },
};
/** PivApplet on Java cards, told by its label. Its containers grow; how far depends on the card below it. */
export const PIVAPPLET: CardProfile = {
  ...{ name: 'pivapplet', pinCharset: 'digits', maxCertBytes: 1_856, gzip: true },
  ...{ managementAlgorithm: '3des', vendorCommands: true, bothBlocked: 'keys-erased' },
};
/** Told by its SELECT answer, which names the PIX alone and no label; 3DES before firmware 5.7. */
export const YUBIKEY: CardProfile = {
  ...{ name: 'yubikey', pinCharset: 'ascii', maxCertBytes: 3_052, gzip: true },
  ...{ managementAlgorithm: 'aes-192', vendorCommands: true, bothBlocked: 'wiped-by-reset' },
};
/** Our virtual card: with its digits-only switch on, and off. */
export const VIRTUAL_DIGITS: CardProfile = {
  ...{ name: 'virtual-digits', pinCharset: 'digits', maxCertBytes: 1_856, gzip: false },
  ...{ managementAlgorithm: 'aes-192', vendorCommands: true, bothBlocked: 'dead' },
};
export const VIRTUAL_ASCII: CardProfile = {
  ...{ name: 'virtual', pinCharset: 'ascii', maxCertBytes: 3_052, gzip: true },
  ...{ managementAlgorithm: 'aes-192', vendorCommands: true, bothBlocked: 'dead' },
};
export const VIRTUAL_DIGITS_LABEL = 'kaika virtual card';
export const VIRTUAL_ASCII_LABEL = 'kaika virtual card, PIN of any characters';

const APPLICATION_LABEL = 0x50;
const YUBIKEY_TEMPLATE = '4f0600001000010079074f05a000000308';

/**
 * The profile of a card, from the value of the 61 template that SELECT answers (SP 800-73-5 part 2, table 3). A card
 * that nobody knows gets the least that every PIV card has.
 *
 * @throws CaError cardCommunication when the template is not TLV
 */
export function profileOf(propertyTemplate: Uint8Array): CardProfile {
  if (Buffer.from(propertyTemplate).toString('hex') === YUBIKEY_TEMPLATE) return YUBIKEY;
  const label = findTlv(propertyTemplate, APPLICATION_LABEL)?.toString('latin1') ?? '';
  if (label.startsWith('PivApplet ')) return PIVAPPLET;
  if (label === VIRTUAL_ASCII_LABEL) return VIRTUAL_ASCII;
  return label === VIRTUAL_DIGITS_LABEL ? VIRTUAL_DIGITS : PLAIN_PIV;
}

export const PIN_MIN_LENGTH = 6;
export const PIN_MAX_LENGTH = 8;

/** Six to eight printable ASCII characters, or digits where the card takes only these. */
export function pinFits(pin: string, { pinCharset }: Pick<CardProfile, 'pinCharset'>): boolean {
  return (pinCharset === 'digits' ? /^[0-9]{6,8}$/ : /^[\x21-\x7e]{6,8}$/).test(pin);
}

/**
 * The PIN as the card wants it: eight octets, filled up with FF (SP 800-73-5 part 2 §2.4.3).
 *
 * @throws CaError pinFormat, without the PIN
 */
export function padPin(pin: string, profile: Pick<CardProfile, 'pinCharset'>): Buffer {
  if (!pinFits(pin, profile)) throw new CaError('pinFormat', 'the card does not take a PIN of this form');
  return Buffer.concat([Buffer.from(pin, 'latin1'), Buffer.alloc(PIN_MAX_LENGTH, 0xff)]).subarray(0, PIN_MAX_LENGTH);
}

/** A PUK has all eight octets; ours are digits, which every card takes. @throws CaError pinFormat, without the PUK */
export function pukBytes(puk: string): Buffer {
  if (!/^[0-9]{8}$/.test(puk)) throw new CaError('pinFormat', 'a PUK has eight digits');
  return Buffer.from(puk, 'latin1');
}
