import { Column, Entity, type EntityManager, PrimaryColumn } from 'typeorm';

/** A card as it was issued, and how far its activation has come. Every change of an activation locks this row first. */
@Entity('card')
export class Card {
  @PrimaryColumn('text', { name: 'card_number' })
  cardNumber!: string;

  @Column('uuid', { name: 'card_uuid' })
  cardUuid!: string;

  @Column('text')
  way!: 'A' | 'B';

  /** DER of slot 9C's certificate, as stored at issue: what a card says of itself is never trusted. */
  @Column('bytea', { name: 'signature_certificate' })
  signatureCertificate!: Buffer;

  @Column('bytea', { name: 'encryption_certificate' })
  encryptionCertificate!: Buffer;

  /** Slot 9E's: proves that the card is present. */
  @Column('bytea', { name: 'card_authentication_certificate' })
  cardAuthenticationCertificate!: Buffer;

  /** When `suspension` made the transition, once this service has seen it. */
  @Column('timestamptz', { name: 'accepted_at', nullable: true })
  acceptedAt!: Date | null;

  /** The one activation whose PIN job counts and that may complete. A newer one takes its place. */
  @Column('uuid', { name: 'live_activation', nullable: true })
  liveActivation!: string | null;

  /** Its job (`jti`). */
  @Column('uuid', { name: 'live_job', nullable: true })
  liveJob!: string | null;

  /** PIN jobs ever released for this card: after the first, its PIN may be the holder's already. */
  @Column('int', { name: 'jobs_released' })
  jobsReleased!: number;

  @Column('timestamptz', { name: 'activated_at', nullable: true })
  activatedAt!: Date | null;

  @Column('uuid', { name: 'activated_by', nullable: true })
  activatedBy!: string | null;
}

/** Before anything about the card is added to the outbox, so that its events leave in the order of their commits. */
export function lockCard(tx: EntityManager, cardNumber: string): Promise<Card> {
  return tx.findOneOrFail(Card, { where: { cardNumber }, lock: { mode: 'pessimistic_write' } });
}
