import { type PublicJwk, sealFor } from '#libs/credentials';
import {
  type EventData,
  type EventOf,
  newEvent,
  sealedContext,
  type SealedPayload,
  type SealedType,
} from '#libs/events';

/** Events whose personal data or secret `issuance` alone can read. */
export class SealedEvents {
  constructor(private readonly issuance: PublicJwk) {}

  /** @param readable what everyone may know */
  async make<T extends SealedType>(
    type: T,
    readable: Omit<EventData<T>, 'jwe'> & { cardNumber: string },
    payload: SealedPayload<T>,
    now: Date,
  ): Promise<EventOf<T>> {
    const { cardNumber } = readable;
    const jwe = await sealFor([this.issuance], payload, sealedContext(type, cardNumber));
    return newEvent(type, cardNumber, { ...readable, jwe } as unknown as EventData<T>, { source: 'acceptance', now });
  }
}
