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

  /** The one session whose job counts and that may complete: an activation, a PIN reset, an unlock. A newer one takes its place. */
  @Column('uuid', { name: 'live_activation', nullable: true })
  liveSession!: string | null;

  /** Its job (`jti`). */
  @Column('uuid', { name: 'live_job', nullable: true })
  liveJob!: string | null;

  /** Jobs ever released for this card. */
  @Column('int', { name: 'jobs_released' })
  jobsReleased!: number;

  /** … when its transport PIN was set. After a job since then, its PIN may be the holder's already. */
  @Column('int', { name: 'jobs_before_unlock' })
  jobsBeforeUnlock!: number;

  @Column('timestamptz', { name: 'activated_at', nullable: true })
  activatedAt!: Date | null;

  @Column('uuid', { name: 'activated_by', nullable: true })
  activatedBy!: string | null;

  /** The session that set a PIN last, after the activation. */
  @Column('uuid', { name: 'pin_set_by', nullable: true })
  pinSetBy!: string | null;

  /** It was unlocked at the centre, and its holder has set no PIN since. */
  @Column('timestamptz', { name: 'unlocked_at', nullable: true })
  unlockedAt!: Date | null;

  /** Found blocked, and not heard of since. */
  @Column('timestamptz', { name: 'locked_at', nullable: true })
  lockedAt!: Date | null;

  /** Of the masters that its secrets are derived from. */
  @Column('int', { name: 'key_version' })
  keyVersion!: number;

  @Column('int', { name: 'transport_generation' })
  transportGeneration!: number;

  /** The PUK the card holds, unless a rotation is under way. */
  @Column('int', { name: 'puk_generation' })
  pukGeneration!: number;

  /** A job to rotate to this one was sent, and its end was not seen: the card holds one of the two. */
  @Column('int', { name: 'puk_rotating_to', nullable: true })
  pukRotatingTo!: number | null;

  /** Jobs with a PUK since the last one whose end was seen; counted before each is sent. */
  @Column('int', { name: 'puk_jobs' })
  pukJobs!: number;
}

/** Its certificates are accepted, and it waits for its holder to set a PIN: for the first time, or after an unlock. */
export function waitsForPin({ activatedAt, unlockedAt }: Card): boolean {
  return !activatedAt || unlockedAt !== null;
}

/** Before anything about the card is added to the outbox, so that its events leave in the order of their commits. */
export function lockCard(tx: EntityManager, cardNumber: string): Promise<Card> {
  return tx.findOneOrFail(Card, { where: { cardNumber }, lock: { mode: 'pessimistic_write' } });
}
