import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One session for a new PIN. Ends with a one-time code that was sent, or with a job. It exists for unknown cards too. */
@Entity('pin_reset')
export class PinReset {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'card_number' })
  cardNumber!: string;

  /** What the card signs with 9E: 32 octets, for one use before `expiresAt`. */
  @Column('bytea')
  nonce!: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'nonce_used_at', nullable: true })
  nonceUsedAt!: Date | null;

  /** Of the one-time code that this session asked for. A later session of the card uses it. */
  @Column('text', { name: 'code_verifier', nullable: true })
  codeVerifier!: string | null;

  @Column('timestamptz', { name: 'code_requested_at', nullable: true })
  codeRequestedAt!: Date | null;

  @Column('timestamptz', { name: 'code_expires_at', nullable: true })
  codeExpiresAt!: Date | null;

  /** Of the code; counted before each is looked at. */
  @Column('int', { default: 0 })
  tries!: number;

  /** When a job was released to it; set together with the two below. */
  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt!: Date | null;

  @Column('bytea', { name: 'proof_signature', nullable: true })
  proofSignature!: Buffer | null;

  /** What the card signs with 9C under its new PIN. Has no time limit. */
  @Column('bytea', { name: 'completion_nonce', nullable: true })
  completionNonce!: Buffer | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt!: Date | null;
}
