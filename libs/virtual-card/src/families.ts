import { createHash, randomBytes } from 'node:crypto';
import { buildCcc, type ManagementAlgorithm, tlv, VIRTUAL_ASCII_LABEL, VIRTUAL_DIGITS_LABEL } from '#libs/piv';

export const FAMILY_NAMES = ['virtual', 'piv', 'pivapplet', 'yubikey'] as const;
/** `virtual`: our own, the standard with makers' commands; `piv`: the bare standard; the others as their real ones. */
export type FamilyName = (typeof FAMILY_NAMES)[number];

/** In what the families differ, as the card sees it. `CardProfile` of libs/piv is the host's view of the same. */
export interface Family {
  /** What SELECT answers: the 61 template. */
  readonly selected: (digitsOnly: boolean) => Buffer;
  /** SELECT takes the AID without its last octets: those of the version (9), or all but the RID (5). */
  readonly aidLeastBytes: 9 | 5;
  /** Undefined: by the card's own switch. */
  readonly digitsOnly: boolean | undefined;
  readonly managementAlgorithm: ManagementAlgorithm;
  /** F7, F8, FA, FD and FF. */
  readonly vendorCommands: boolean;
  /** FB: back to the factory's state, when PIN and PUK are both blocked. */
  readonly resetCommand: boolean;
  /** The answer to FD. */
  readonly version: readonly number[];
  /** A PIN or PUK is compared before its form is looked at: a malformed one costs a try. */
  readonly comparesFirst: boolean;
  /** Private keys go when PIN and PUK are both blocked. */
  readonly erasesKeys: boolean;
  /** 9C signs only when VERIFY was the very command before it. */
  readonly pinRightBefore: boolean;
  /** By tag in hex: what the card holds when it comes from the factory. */
  readonly factoryObjects: () => Record<string, Buffer>;
  /** SW of a failed 9B authentication. */
  readonly wrongManagementKey: 0x6982 | 0x6a80;
}

export const AID = Buffer.from('a000000308000010000100', 'hex');
const RID = AID.subarray(0, 5);
const authority = tlv(0x79, tlv(0x4f, RID));
const algorithms = (...ids: number[]) => ids.map((id) => tlv(0xac, tlv(0x80, Buffer.of(id)), tlv(0x06, Buffer.of(0))));

const STANDARD = {
  ...{ resetCommand: false, version: [5, 4, 0], comparesFirst: false, erasesKeys: false, pinRightBefore: true },
  wrongManagementKey: 0x6982,
  factoryObjects: () => ({}),
} as const;

/** The length of the 61 is written in two octets, though one would do. */
function pivAppletSelected(): Buffer {
  const label = tlv(0x50, Buffer.from('PivApplet v0.9.0/REeAxaD'));
  const url = tlv(0x5f50, Buffer.from('github.com/arekinath/PivApplet'));
  const value = Buffer.concat([tlv(0x4f, AID), authority, label, url, ...algorithms(0x03, 0x0c, 0x07, 0x11, 0x14)]);
  return Buffer.concat([Buffer.of(0x61, 0x81, value.length), value]);
}

/** A made-up GUID and a FASC-N of zeros: whoever personalises such a card finds a CHUID that is not its own. */
function pivAppletObjects(): Record<string, Buffer> {
  const expires = Buffer.from('20500101', 'latin1');
  const chuid = [tlv(0x30, Buffer.alloc(25)), tlv(0x34, randomBytes(16)), tlv(0x35, expires), tlv(0x3e), tlv(0xfe)];
  const history = [tlv(0xc1, Buffer.of(0)), tlv(0xc2, Buffer.of(0)), tlv(0xfe)];
  return { '5fc102': Buffer.concat(chuid), '5fc107': buildCcc(), '5fc10c': Buffer.concat(history) };
}

export const FAMILIES: Record<FamilyName, Family> = {
  virtual: {
    ...STANDARD,
    ...{ digitsOnly: undefined, managementAlgorithm: 'aes-192', vendorCommands: true, aidLeastBytes: 5 },
    selected: (digitsOnly) => {
      const label = Buffer.from(digitsOnly ? VIRTUAL_DIGITS_LABEL : VIRTUAL_ASCII_LABEL);
      return tlv(0x61, tlv(0x4f, AID), authority, tlv(0x50, label));
    },
  },
  piv: {
    ...STANDARD,
    ...{ digitsOnly: true, managementAlgorithm: 'aes-128', vendorCommands: false, aidLeastBytes: 9 },
    selected: () => tlv(0x61, tlv(0x4f, AID), authority),
  },
  /** PivApplet 0.9.0, as its trace and its source have it. */
  pivapplet: {
    ...{ digitsOnly: true, managementAlgorithm: '3des', vendorCommands: true, resetCommand: true },
    ...{ version: [5, 4, 0], comparesFirst: true, erasesKeys: true, pinRightBefore: true, wrongManagementKey: 0x6a80 },
    aidLeastBytes: 5,
    factoryObjects: pivAppletObjects,
    selected: pivAppletSelected,
  },
  /** A YubiKey of firmware 5.7: AES-192, and a PIN of any characters. */
  yubikey: {
    ...{ digitsOnly: false, managementAlgorithm: 'aes-192', vendorCommands: true, resetCommand: true },
    ...{
      version: [5, 7, 1],
      comparesFirst: true,
      erasesKeys: false,
      pinRightBefore: false,
      wrongManagementKey: 0x6982,
    },
    aidLeastBytes: 5,
    factoryObjects: () => ({}),
    selected: () => tlv(0x61, tlv(0x4f, AID.subarray(5)), authority),
  },
};

/** Four octets as F8 answers them, always the same for a card; a YubiKey's are a positive number. */
export function serialOf(cardNumber: string, family: FamilyName): Buffer {
  const serial = createHash('sha256').update(cardNumber).digest().subarray(0, 4);
  serial[0] = family === 'pivapplet' ? serial[0]! | 0x80 : serial[0]! & 0x7f;
  return serial;
}
