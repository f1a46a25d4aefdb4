/** CRLReason (RFC 5280 §5.3.1), without removeFromCRL: that one is for delta lists only. */
export const CRL_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
export type CrlReason = keyof typeof CRL_REASONS;

export interface CrlEntry {
  /** 32 upper-case hex digits, the first octet 01–7F. */
  readonly serial: string;
  /** Fractions of a second are cut off. */
  readonly revocationDate: Date;
  /** Left out, or `unspecified`: no reasonCode extension (RFC 5280 §5.3.1). */
  readonly reason?: CrlReason;
  /** Since when the key must be taken for compromised (RFC 5280 §5.3.2); fractions are cut off. */
  readonly invalidityDate?: Date;
}

/** Many entries in columns, for those who have them as bytes already: no object for each entry. */
export interface CrlColumns {
  readonly count: number;
  /** 16 octets each. */
  readonly serials: Uint8Array;
  /** Seconds since 1970-01-01T00:00:00Z, whole. */
  readonly revocationSeconds: ArrayLike<number>;
  /** CRLReason numbers; 0 for none. */
  readonly reasons: Uint8Array;
  /** invalidityDate in the same seconds; NaN for none. Left out: none has one. */
  readonly invaliditySeconds?: ArrayLike<number>;
}
