import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One activation session. It exists for unknown cards too. */
@Entity('activation')
export class Activation {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'card_number' })
  cardNumber!: string;

  @Column('text')
  way!: 'A' | 'B';

  /** What the card signs with 9E: 32 octets, for one use before `expiresAt`. */
  @Column('bytea')
  nonce!: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'nonce_used_at', nullable: true })
  nonceUsedAt!: Date | null;

  /** The holder said that the certificates are wrong. */
  @Column('timestamptz', { name: 'refused_at', nullable: true })
  refusedAt!: Date | null;

  /** When a PIN job was released to it; set together with the two below. */
  @Column('timestamptz', { name: 'accepted_at', nullable: true })
  acceptedAt!: Date | null;

  @Column('bytea', { name: 'proof_signature', nullable: true })
  proofSignature!: Buffer | null;

  /** What the card signs with 9C after the change of PIN. Has no time limit: a slow holder loses nothing. */
  @Column('bytea', { name: 'completion_nonce', nullable: true })
  completionNonce!: Buffer | null;
}
