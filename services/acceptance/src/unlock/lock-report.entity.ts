import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A card that its agent found blocked, on its way to being proven present. It exists for unknown cards too. */
@Entity('lock_report')
export class LockReport {
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
}
