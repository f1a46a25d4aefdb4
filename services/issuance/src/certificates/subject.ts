import { type CertificateParams, NAME_FIELDS, type Name } from '#libs/pki';

export const APPLICANT_KINDS = ['company', 'branch', 'partnership', 'business'] as const;
export const CARD_RANKS = ['primary', 'secondary'] as const;

/** What a business certificate says of its subscriber. */
export interface Applicant {
  readonly kind: (typeof APPLICANT_KINDS)[number];
  readonly name: string;
  readonly branch: string | null;
  /** 商業 only */
  readonly county: string | null;
  readonly ubn: string;
  readonly certificateEmail: string | null;
  readonly rank: (typeof CARD_RANKS)[number];
}

/** Which field of an application an attribute of the name comes from, for errors by field name. */
export const FIELD_OF = { O: 'name', OU: 'branch', L: 'county' } as const satisfies Partial<Record<keyof Name, string>>;

/** Subject and extensions of both business certificates (DOMAIN.md §3). */
export function businessParams(
  applicant: Applicant,
): Pick<CertificateParams, 'subject' | 'ubn' | 'subjectType' | 'cardRank' | 'email'> {
  const { kind, name, branch, county, ubn, certificateEmail, rank } = applicant;
  return {
    subject: { C: 'TW', ...(county && { L: county }), O: name, ...(branch && { OU: branch }) },
    ubn,
    subjectType: kind,
    cardRank: rank,
    ...(certificateEmail && { email: certificateEmail }),
  };
}

/** The name as RFC 4514 writes it: the last attribute first, special characters escaped (§2.4). */
export function rfc4514(name: Name): string {
  const order = Object.keys(NAME_FIELDS) as (keyof Name)[];
  const parts = order.flatMap((field) => (name[field] === undefined ? [] : [`${field}=${escapeValue(name[field])}`]));
  return parts.reverse().join(',');
}

function escapeValue(text: string): string {
  return text.replace(/[\\",+<>;]|^[# ]| $/g, (character) => `\\${character}`);
}
