import { CaError } from '#libs/errors';
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
}

/** SP 800-73-5 part 1, table 3: a certificate container of 1,905 octets; PIN of digits. */
export const PLAIN_PIV: CardProfile = { name: 'piv', pinCharset: 'digits', maxCertBytes: 1_856, gzip: false };
/** Told by its SELECT answer, which names the PIX alone and no label; not tried on hardware. */
export const YUBIKEY: CardProfile = { name: 'yubikey', pinCharset: 'ascii', maxCertBytes: 3_052, gzip: true };
/** Our virtual card with its digits-only switch off. */
export const VIRTUAL_ASCII: CardProfile = { name: 'virtual', pinCharset: 'ascii', maxCertBytes: 3_052, gzip: true };
export const VIRTUAL_ASCII_LABEL = 'kaika virtual card, PIN of any characters';

const APPLICATION_LABEL = 0x50;
const YUBIKEY_TEMPLATE = '4f0600001000010079074f05a000000308';

/** The profile of a card, from the value of the 61 template that SELECT answers (SP 800-73-5 part 2, table 3). */
export function profileOf(propertyTemplate: Uint8Array): CardProfile {
  if (Buffer.from(propertyTemplate).toString('hex') === YUBIKEY_TEMPLATE) return YUBIKEY;
  const label = findTlv(propertyTemplate, APPLICATION_LABEL)?.toString('latin1');
  return label === VIRTUAL_ASCII_LABEL ? VIRTUAL_ASCII : PLAIN_PIV;
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
