import { endOfDay, lastMidnight } from '#libs/clock';
import type { KeyKind } from './keys.js';
import type { Name } from './names.js';

/** Bits of keyUsage (RFC 5280 §4.2.1.3). */
export const KEY_USAGE_BITS = {
  digitalSignature: 0,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyCertSign: 5,
  cRLSign: 6,
} as const;
export type KeyUsage = keyof typeof KEY_USAGE_BITS;

export type ProfileName =
  'root' | 'issuingCa' | 'cardCa' | 'businessCardSignature' | 'businessCardEncryption' | 'cardAuthentication';

/** One kind of certificate as data (DOMAIN.md §3). Every one is v3 with AKI, SKI and critical keyUsage, and no EKU. */
export interface Profile {
  readonly name: ProfileName;
  readonly keys: readonly KeyKind[];
  readonly life: { readonly years: number; readonly endsWithTaipeiDay: boolean };
  readonly subject: { readonly required: readonly (keyof Name)[]; readonly optional: readonly (keyof Name)[] };
  readonly keyUsage: readonly KeyUsage[];
  /** Critical basicConstraints with cA; absent for everybody who is no CA. */
  readonly ca?: { readonly pathLength?: number };
  /** certificatePolicies unless the parameters name others. */
  readonly policies: readonly string[];
  /** subjectDirectoryAttributes: subject type, card rank, UBN. */
  readonly directoryAttributes: boolean;
  readonly altName?: 'rfc822Name' | 'cardUuid';
  /** Which of the issuer's URLs the certificate names. */
  readonly names: { readonly crl: boolean; readonly caIssuers: boolean; readonly ocsp: boolean };
}

/** RFC 5280's example arc (ITU-T X.660 Cor. 2): says "no policy of anybody real". */
export const NEUTRAL_POLICY = '2.999.1.3';

const CA_KEYS = ['rsa-4096', 'p-384'] as const;
const CA_USAGE = ['keyCertSign', 'cRLSign'] as const;
const CA_SUBJECT = { required: ['C', 'O', 'OU'], optional: [] } as const;
const NO_URLS = { crl: false, caIssuers: false, ocsp: false };

const businessCard = {
  life: { years: 5, endsWithTaipeiDay: true },
  subject: { required: ['C', 'O'], optional: ['L', 'OU', 'serialNumber'] },
  policies: [NEUTRAL_POLICY],
  directoryAttributes: true,
  altName: 'rfc822Name',
  names: { crl: true, caIssuers: true, ocsp: true },
} as const;

export const PROFILES = {
  root: {
    name: 'root',
    keys: CA_KEYS,
    life: { years: 25, endsWithTaipeiDay: false },
    subject: CA_SUBJECT,
    keyUsage: CA_USAGE,
    ca: {},
    policies: [],
    directoryAttributes: false,
    names: NO_URLS,
  },
  issuingCa: {
    name: 'issuingCa',
    keys: CA_KEYS,
    life: { years: 20, endsWithTaipeiDay: false },
    subject: CA_SUBJECT,
    keyUsage: CA_USAGE,
    ca: { pathLength: 0 },
    policies: [NEUTRAL_POLICY],
    directoryAttributes: false,
    names: { crl: true, caIssuers: true, ocsp: false },
  },
  cardCa: {
    name: 'cardCa',
    keys: ['p-256', 'p-384'],
    life: { years: 20, endsWithTaipeiDay: false },
    subject: CA_SUBJECT,
    keyUsage: CA_USAGE,
    ca: { pathLength: 0 },
    policies: [],
    directoryAttributes: false,
    names: { crl: true, caIssuers: false, ocsp: false },
  },
  businessCardSignature: {
    name: 'businessCardSignature',
    keys: ['rsa-2048', 'rsa-3072', 'p-256'],
    keyUsage: ['digitalSignature'],
    ...businessCard,
  },
  /** RSA only: keyEncipherment has no meaning for an EC key (RFC 8813 §3). */
  businessCardEncryption: {
    name: 'businessCardEncryption',
    keys: ['rsa-2048', 'rsa-3072'],
    keyUsage: ['keyEncipherment', 'dataEncipherment'],
    ...businessCard,
  },
  /** Slot 9E (CARDS.md §1): proves that the genuine card is present. Nobody outside relies on it, so no list names it. */
  cardAuthentication: {
    name: 'cardAuthentication',
    keys: ['p-256'],
    life: { years: 5, endsWithTaipeiDay: true },
    subject: { required: ['CN'], optional: [] },
    keyUsage: ['digitalSignature'],
    policies: [],
    directoryAttributes: false,
    altName: 'cardUuid',
    names: NO_URLS,
  },
} as const satisfies Record<ProfileName, Profile>;

/**
 * The last second of a certificate's life: that many years (CAs one second less, since both ends count,
 * RFC 5280 §4.1.2.5), or to the end of that Taipei day, and never later than its issuer's.
 */
export function notAfterFor(profile: Profile, notBefore: Date, issuerNotAfter?: Date): Date {
  const { years, endsWithTaipeiDay } = profile.life;
  const later = addYears(notBefore, years);
  const wanted = endsWithTaipeiDay ? endOfDay(later) : new Date(later.getTime() - 1_000);
  if (issuerNotAfter === undefined || wanted <= issuerNotAfter) return wanted;
  if (!endsWithTaipeiDay || endOfDay(issuerNotAfter).getTime() === issuerNotAfter.getTime()) return issuerNotAfter;
  return new Date(lastMidnight(issuerNotAfter).getTime() - 1_000);
}

/** The same moment some years later; the 28th for a 29th of February that year doesn't have. */
export function addYears(at: Date, years: number): Date {
  const later = new Date(at);
  later.setUTCFullYear(at.getUTCFullYear() + years);
  if (later.getUTCMonth() !== at.getUTCMonth()) later.setUTCDate(0);
  return later;
}
