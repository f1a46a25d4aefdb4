import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { EventData } from '#libs/events';
import { lockKnownCard } from './card.js';
import { CardChanges } from './card-changes.js';
import { statusOf } from './card-status.js';

/** Who is on record for it: the two officers stand in the case, which issuance keeps. */
const BY = 'issuance';

/** Cards that were sent in and are defective: another one is made in the place of each. */
@Injectable()
export class DefectiveCards {
  constructor(private readonly changes: CardChanges) {}

  /**
   * Revokes both certificates: superseded (4), with a row of the log and a receipt. A card that is revoked or expired
   * stays as it is: told twice, or meanwhile revoked for another reason.
   *
   * @throws CaError unknownCard when `certificate.issued` did not come yet: it is told again
   */
  async revoke({ cardNumber, caseNumber }: EventData<'card.defective'>, tx: EntityManager): Promise<void> {
    const card = await lockKnownCard(tx, cardNumber);
    if (['revoked', 'expired'].includes(statusOf(card.state, card.readAt))) return;
    const ground = `returned card, case ${caseNumber}: defective`;
    await this.changes.withReceipt(
      tx,
      card,
      { name: 'revoke', reason: 'superseded' },
      { act: 'revoke', by: BY, ground },
    );
  }
}
