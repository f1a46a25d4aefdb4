import type { EntityManager } from 'typeorm';
import type { Activation } from './activation.entity.js';

export interface Evidence {
  slot: '9E' | '9C';
  session: Activation;
  /** The exact octets the card signed. */
  signed: Buffer;
  signature: Buffer;
  at: Date;
}

/** Keeps what a card signed. The application role can add evidence and can neither change nor remove any. */
export async function addEvidence(
  tx: EntityManager,
  { slot, session, signed, signature, at }: Evidence,
): Promise<void> {
  await tx.query(
    `insert into evidence (card_number, activation, slot, signed, signature, at) values ($1, $2, $3, $4, $5, $6)`,
    [session.cardNumber, session.id, slot, signed, signature, at],
  );
}
