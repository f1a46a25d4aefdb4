import type { DataSource } from 'typeorm';
import { z } from 'zod';
import type { ServiceClient } from '#libs/doors';
import { CaError, type ErrorCode } from '#libs/errors';
import { utc } from '#libs/events';
import type { KnownCards } from '../known-cards.js';

const answer = z.object({
  status: z.enum(['pending', 'valid', 'suspended', 'expired', 'revoked']),
  acceptedAt: utc.nullable(),
});

/** What the holder is told as it is. Everything else means: press again. */
const TOLD: readonly ErrorCode[] = ['cardRevoked', 'cardHeld', 'cardExpired'];
/** An accepted card may have another status by the time it is asked about again. */
const REFUSALS = {
  pending: 'centreUnreachable',
  valid: 'centreUnreachable',
  suspended: 'cardHeld',
  expired: 'cardExpired',
  revoked: 'cardRevoked',
} as const;

/** `suspension`, the only writer of a card's status. Its answer is the truth, so it is asked and waited for. */
export class Centre {
  constructor(
    private readonly suspension: ServiceClient,
    private readonly known: KnownCards,
    private readonly source: DataSource,
  ) {}

  /**
   * Makes the transition to accepted. Idempotent: an accepted card gives the same answer again.
   *
   * @returns when the card was accepted
   * @throws CaError cardRevoked | cardHeld | cardExpired; centreUnreachable when there was no answer, or one that is no
   *                 decision about the card (unknown there yet, a wrong token): it may or may not have been accepted
   */
  async accept(cardNumber: string, activation: string): Promise<Date> {
    const { status, acceptedAt } = await this.ask(cardNumber, activation);
    if (status === 'valid' && acceptedAt) return new Date(acceptedAt);
    throw new CaError(REFUSALS[status], `card ${cardNumber} is ${status}`);
  }

  /** How an accepted card stands now; nothing is changed by it. @throws as `accept` */
  async confirm(cardNumber: string, session: string): Promise<void> {
    await this.accept(cardNumber, session);
  }

  private async ask(cardNumber: string, activation: string): Promise<z.output<typeof answer>> {
    try {
      return await this.suspension.call('PUT', `/api/v1/cards/${cardNumber}/acceptance`, answer, { activation });
    } catch (cause) {
      if (cause instanceof CaError && TOLD.includes(cause.code)) throw cause;
      if (await this.known.isRevoked(cardNumber, this.source.manager)) {
        throw new CaError('cardRevoked', `card ${cardNumber} is revoked`, {}, { cause });
      }
      throw new CaError('centreUnreachable', 'nothing was released; press again', {}, { cause });
    }
  }
}
