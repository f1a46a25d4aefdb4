import type { EntityManager } from 'typeorm';

export interface Evidence {
  slot: '9E' | '9C';
  /** What came of the signature; what 9E signs at an acceptance and at a refusal is the same. */
  act:
    | ('accept' | 'resume' | 'complete' | 'refuse' | 'reset-user-code')
    | ('reset-pin' | 'complete-reset' | 'report-lock' | 'unlock' | 'complete-unlock');
  session: { id: string; cardNumber: string };
  /** The exact octets the card signed. */
  signed: Buffer;
  signature: Buffer;
  at: Date;
  /** Way B: the holder confirmed a national ID of unusual form. */
  isUnusualIdConfirmed?: boolean;
  /** Left for the PIN, as the agent read them before the proof: below the maximum, somebody typed a wrong one. */
  pinTries?: number | undefined;
}

/** Keeps what a card signed. The application role can add evidence and can neither change nor remove any. */
export async function addEvidence(
  tx: EntityManager,
  { slot, act, session, signed, signature, at, isUnusualIdConfirmed = false, pinTries }: Evidence,
): Promise<void> {
  await tx.query(
    `insert into evidence (card_number, session, slot, act, signed, signature, at, unusual_id_confirmed, pin_tries)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [session.cardNumber, session.id, slot, act, signed, signature, at, isUnusualIdConfirmed, pinTries ?? null],
  );
}
