import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, MoreThan } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { NONCE_BYTES } from '#libs/piv';
import { Card, waitsForPin } from '../card.entity.js';
import { Activation } from './activation.entity.js';

export const NONCE_SECONDS = 120;
const ABANDONED_SECONDS = 3_600;

/** ended: out of time, or another session of the same card took over. */
export const ACTIVATION_STATES = ['started', 'accepted', 'activated', 'refused', 'ended'] as const;
export type ActivationState = (typeof ACTIVATION_STATES)[number];

/** Activations from their nonce on. */
@Injectable()
export class Sessions {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
  ) {}

  /** The same for unknown cards and for those of the other way: found out by nobody without the card. */
  async start(cardNumber: string, way: 'A' | 'B'): Promise<{ id: string; nonce: Buffer }> {
    const nowMs = this.clock.nowMs();
    const session = { id: randomUUID(), cardNumber, way, nonce: randomBytes(NONCE_BYTES) };
    await this.source.query(
      `delete from activation where id in (select id from activation
         where accepted_at is null and refused_at is null and expires_at < $1
         order by expires_at limit 10 for update skip locked)`,
      [new Date(nowMs - ABANDONED_SECONDS * 1_000)],
    );
    await this.source.manager.insert(Activation, { ...session, expiresAt: new Date(nowMs + NONCE_SECONDS * 1_000) });
    return { id: session.id, nonce: session.nonce };
  }

  /** @throws CaError notFound */
  async state(id: string): Promise<ActivationState> {
    const session = await this.find(id);
    if (session.refusedAt) return 'refused';
    const card = await this.source.manager.findOneBy(Card, { cardNumber: session.cardNumber });
    if (card?.activatedBy === id || card?.pinSetBy === id) return 'activated';
    if (session.acceptedAt) return card?.liveSession === id && waitsForPin(card) ? 'accepted' : 'ended';
    return session.expiresAt > this.clock.now() ? 'started' : 'ended';
  }

  /**
   * Whatever comes of it, a nonce serves one attempt: of a hundred equal requests one goes on.
   *
   * @throws CaError notFound | sessionExpired
   */
  async useNonce(id: string): Promise<Activation> {
    const session = await this.find(id);
    const now = this.clock.now();
    const fresh = { id, nonceUsedAt: IsNull(), expiresAt: MoreThan(now) };
    const { affected } = await this.source.manager.update(Activation, fresh, { nonceUsedAt: now });
    if (affected !== 1) throw new CaError('sessionExpired', 'the nonce was used or is too old; start again');
    return session;
  }

  /** @throws CaError notFound */
  async find(id: string): Promise<Activation> {
    const session = await this.source.manager.findOneBy(Activation, { id });
    if (!session) throw new CaError('notFound', 'no such activation');
    return session;
  }
}
