import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One try at the centre to unlock a card, under a request that another officer approved. */
@Entity('unlock_session')
export class UnlockSession {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'card_number' })
  cardNumber!: string;

  /** Of two persons: `dual_control_request`. */
  @Column('uuid')
  request!: string;

  @Column('text', { name: 'started_by' })
  startedBy!: string;

  /** What the card signs with 9E: 32 octets, for one use before `expiresAt`. */
  @Column('bytea')
  nonce!: Buffer;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'nonce_used_at', nullable: true })
  nonceUsedAt!: Date | null;

  /** When a job was released to it; set together with the two below. */
  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt!: Date | null;

  @Column('bytea', { name: 'proof_signature', nullable: true })
  proofSignature!: Buffer | null;

  /** What the card signs with 9E when it took the new transport PIN. */
  @Column('bytea', { name: 'completion_nonce', nullable: true })
  completionNonce!: Buffer | null;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt!: Date | null;

  @Column('text', { name: 'completed_by', nullable: true })
  completedBy!: string | null;
}
