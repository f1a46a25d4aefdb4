import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { cardNumber, serialPair, ski, utc } from './fields.js';

/** Who put a card on hold, and alone may lift that hold (DOMAIN.md §2). */
export const HOLDERS = ['subscriber', 'deadline', 'ca', 'court'] as const;
export const holder = z.enum(HOLDERS);
export type Holder = z.output<typeof holder>;

/** RFC 5280 §5.3.1, those this CA uses, with their codes. `certificateHold` is for holds only. */
export const REASON_CODES = {
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
} as const;
export type ReasonCode = keyof typeof REASON_CODES;
export const reasonCode = z.enum(Object.keys(REASON_CODES) as [ReasonCode, ...ReasonCode[]]);

/** What a card's entry on the revocation list says; both its serials carry the same. */
export const listing = z.looseObject({
  reason: reasonCode,
  /** revocationDate: start of the current uninterrupted non-good period, whole seconds (DOMAIN.md §3). */
  since: utc,
  /** Known time of compromise, whole seconds (RFC 5280 §5.3.2); keyCompromise only. */
  invalidityDate: utc.optional(),
});
export type Listing = z.output<typeof listing>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const chained = {
  /** Changes only when a restore may have lost rows. */
  epoch: z.uuid(),
  /** Gap-free from 1. */
  seq: z.number().int().positive(),
  prevHash: sha256,
  /** SHA-256 of the canonical JSON (RFC 8785) of the row without this field. */
  hash: sha256,
  /** The log's own time, milliseconds, never going back. */
  at: utc,
};

/** A card changed. The row says the whole state after it, so that it can be read without the rows before. */
export const cardRow = z.looseObject({
  ...chained,
  kind: z.enum(['accepted', 'suspended', 'resumed', 'revoked']),
  cardNumber,
  serials: serialPair,
  issuerSki: ski,
  notAfter: utc,
  partition: z.number().int().nullable(),
  /** Whose hold this row put up or lifted; null for acceptance and revocation. */
  holder: holder.nullable(),
  acceptedAt: utc.nullable(),
  holds: z.array(holder),
  /** The entry on the list after this row; null: on no list. */
  listed: listing.nullable(),
});
export type CardRow = z.output<typeof cardRow>;

/** The marker of a cut: the list of `cut` holds exactly what the rows below this one say. */
export const cutRow = z.looseObject({
  ...chained,
  kind: z.literal('cut'),
  /** A Taipei midnight; of an emergency list the second in which its marker was written. */
  cut: utc,
  /** The emergency list this marker is for; absent on the markers of midnights. */
  emergency: z.uuid().optional(),
  /** For each issuer, what the owner expects on the list: entries, and the digest of `changeDigest`. */
  lists: z.array(z.object({ issuerSki: ski, count: z.number().int().nonnegative(), digest: sha256 })),
});
export type CutRow = z.output<typeof cutRow>;

export const statusRow = z.discriminatedUnion('kind', [cardRow, cutRow]);
export type StatusRow = z.output<typeof statusRow>;

export const FIRST_PREV_HASH = '0'.repeat(64);

export function statusRowHash(row: Record<string, unknown>): string {
  const { hash: _hash, ...rest } = row;
  return createHash('sha256').update(canonicalize(rest)!).digest('hex');
}

export const EMPTY_DIGEST = '0'.repeat(64);

/**
 * Adds one entry to a list's digest, or takes it away: the sum modulo 2^256 of SHA-256(`serial:reason`). It does not
 * depend on the order of entries, so both sides can keep it up to date without sorting.
 */
export function changeDigest(digest: string, sign: 1 | -1, serial: string, reason: ReasonCode): string {
  const entry = BigInt(`0x${createHash('sha256').update(`${serial}:${reason}`).digest('hex')}`);
  const sum = BigInt.asUintN(256, BigInt(`0x${digest}`) + BigInt(sign) * entry);
  return sum.toString(16).padStart(64, '0');
}
