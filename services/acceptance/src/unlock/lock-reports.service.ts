import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import type { Proof } from '#libs/piv';
import { Card, lockCard } from '../card.entity.js';
import { CardProofs } from '../card-proof.js';
import { addEvidence } from '../evidence.js';
import { forgetAbandoned, newNonce, useNonce } from '../nonce.js';
import { LockReport } from './lock-report.entity.js';

/**
 * An agent found a card blocked, or its right transport PIN refused (27011). The card proves that it is there; what the
 * agent found is its word alone, so nothing is decided by it: the centre knows that a card will come in.
 */
@Injectable()
export class LockReportsService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly proofs: CardProofs,
    private readonly outbox: Outbox,
  ) {}

  /** The same for unknown cards. */
  async start(cardNumber: string): Promise<{ id: string; nonce: Buffer }> {
    const session = newNonce(this.clock);
    await forgetAbandoned(this.source, LockReport, { until: ['nonceUsedAt'], now: this.clock.now() });
    await this.source.manager.insert(LockReport, { ...session, cardNumber });
    return session;
  }

  /** Told once until it is unlocked or has a PIN again. @throws CaError notFound | sessionExpired | proofRefused */
  async prove(id: string, proof: Proof): Promise<void> {
    const session = await useNonce(this.source, LockReport, { id, now: this.clock.now() });
    const { signed } = await this.proofs.verify(session, 'unlock', proof);
    const { cardNumber } = session;
    await this.source.transaction(async (tx) => {
      const { lockedAt } = await lockCard(tx, cardNumber);
      if (lockedAt) return;
      const at = this.clock.now();
      await tx.update(Card, cardNumber, { lockedAt: at });
      await addEvidence(tx, { slot: '9E', act: 'report-lock', session, signed, signature: proof.signature, at });
      const data = { cardNumber, at: at.toISOString() };
      await this.outbox.add(tx, newEvent('card.locked', cardNumber, data, { source: 'acceptance', now: at }));
    });
  }
}
