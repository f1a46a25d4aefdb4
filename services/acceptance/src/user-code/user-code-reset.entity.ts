import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A forgotten user code on its way to a new one. It exists for unknown cards too. */
@Entity('user_code_reset')
export class UserCodeReset {
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

  /** Of the one-time code; null before it is made, after it was used, and when a newer one took its place. */
  @Column('text', { name: 'code_verifier', nullable: true })
  codeVerifier!: string | null;

  @Column('timestamptz', { name: 'code_requested_at', nullable: true })
  codeRequestedAt!: Date | null;

  @Column('timestamptz', { name: 'code_expires_at', nullable: true })
  codeExpiresAt!: Date | null;

  /** Counted before each is looked at. */
  @Column('int', { default: 0 })
  tries!: number;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt!: Date | null;
}
