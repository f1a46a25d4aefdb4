import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import type { EventOf } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { SealedEvents } from '../sealed-events.js';
import { type NewUserCode, UserCodes } from '../user-code/user-codes.js';
import type { KnownBy, Person } from './person-check.js';

/** What a holder of way B sets with the acceptance, hashed and sealed. */
export interface Settings {
  userCode: NewUserCode;
  contactChanged: EventOf<'contact.changed'>;
}

/** Way B, the first time: the user code and the contact's e-mail address, which is stored at `issuance` alone. */
@Injectable()
export class HolderSettings {
  constructor(
    private readonly clock: Clock,
    private readonly userCodes: UserCodes,
    private readonly sealed: SealedEvents,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Before anything is locked: scrypt takes 60 ms.
   *
   * @returns undefined when there is nothing to set: the card has its user code, and asked for it
   * @throws CaError tooBusy | conflict
   */
  async make(cardNumber: string, person: Person, knownBy: KnownBy): Promise<Settings | undefined> {
    if (knownBy === 'user-code' || 'userCode' in person || !person.sets) return undefined;
    const { sets } = person;
    const now = this.clock.now();
    const userCode = await this.userCodes.make(cardNumber, sets.userCode, now);
    // The representative's data set the first code only: after the check another session has set it.
    if (userCode.replaces !== undefined) throw new CaError('conflict', 'another user code was set a moment ago');
    const contactChanged = await this.sealed.make('contact.changed', { cardNumber }, { email: sets.email }, now);
    return { userCode, contactChanged };
  }

  /** @throws CaError conflict */
  async put(tx: EntityManager, { userCode, contactChanged }: Settings): Promise<void> {
    await this.userCodes.put(tx, userCode);
    await this.outbox.add(tx, contactChanged);
  }
}
