import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { Card, waitsForPin } from '../card.entity.js';
import { findSession, forgetAbandoned, newNonce, useNonce } from '../nonce.js';
import { Activation } from './activation.entity.js';

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
    const session = newNonce(this.clock);
    await forgetAbandoned(this.source, Activation, { until: ['acceptedAt', 'refusedAt'], now: this.clock.now() });
    await this.source.manager.insert(Activation, { ...session, cardNumber, way });
    return session;
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

  /** @throws CaError notFound | sessionExpired */
  useNonce(id: string): Promise<Activation> {
    return useNonce(this.source, Activation, { id, now: this.clock.now() });
  }

  /** @throws CaError notFound */
  find(id: string): Promise<Activation> {
    return findSession(this.source, Activation, id);
  }
}
