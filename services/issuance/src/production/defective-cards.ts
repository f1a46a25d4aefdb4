import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { lockApplication } from '../applications/application-records.js';
import { assignOrWait } from './card-assignment.js';
import { type CardState, nextCardState } from './card-state.js';
import type { Defect } from './queue.schema.js';

interface Row {
  state: CardState;
  caseNumber: string | null;
  defect: string | null;
  madeFor: string | null;
  assignedAt: Date | null;
}

/** Cards that fail before they were issued: out of stock for good. (Those that were issued: docs/RETURNS.md.) */
@Injectable()
export class DefectiveInStock {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
  ) {}

  /**
   * Its application gets another card from stock, in its place of the queue, or waits for one. Certificates that were
   * meant for the card are given up. Repeated: the same answer.
   *
   * @throws CaError unknownCard | conflict (issued already) | readerBusy (it is being made at this moment)
   */
  async mark(cardNumber: string, ground: string, by: string): Promise<Defect> {
    return this.source.transaction(async (tx) => {
      await mustNotBeInTheMaking(tx, cardNumber);
      const seen = await read(tx, cardNumber);
      // The application's row before the card's, as everywhere.
      if (seen.caseNumber !== null) await lockApplication(tx, seen.caseNumber);
      const card = await read(tx, cardNumber, true);
      if (card.caseNumber !== seen.caseNumber) throw new CaError('conflict', 'this card was assigned meanwhile');
      if (card.state === 'defective') return this.answer(tx, cardNumber, card.defect!, card.madeFor);
      const state = nextCardState(card.state, 'defect');
      const now = this.clock.now();
      await tx.query(
        `update card set state = $2, case_number = null, made_for = $3, taken_by = null, taken_until = null,
                defect = $4, defective_at = $5, defective_by = $6 where card_number = $1`,
        [cardNumber, state, card.caseNumber, ground, now, by],
      );
      await tx.query(
        `update certificate set state = 'abandoned', abandoned_at = $2 where card_number = $1 and state <> 'abandoned'`,
        [cardNumber, now],
      );
      if (card.caseNumber !== null) await this.another(tx, card.caseNumber, card.assignedAt ?? now, now);
      return this.answer(tx, cardNumber, ground, card.caseNumber);
    });
  }

  private async another(tx: EntityManager, caseNumber: string, assignedAt: Date, now: Date): Promise<void> {
    const cardNumber = await assignOrWait(tx, caseNumber, assignedAt);
    if (cardNumber === undefined) {
      await tx.query(`update application set state = 'waiting-for-stock' where case_number = $1`, [caseNumber]);
      return;
    }
    const data = { caseNumber, cardNumber };
    await this.outbox.add(tx, newEvent('application.approved', caseNumber, data, { source: 'issuance', now }));
  }

  private async answer(tx: EntityManager, cardNumber: string, defect: string, caseNumber: string | null) {
    const [next] = await tx.query<{ card_number: string }[]>('select card_number from card where case_number = $1', [
      caseNumber,
    ]);
    const newCardNumber = next?.card_number ?? null;
    return { cardNumber, state: 'defective', defect, caseNumber, newCardNumber } as const;
  }
}

async function read(tx: EntityManager, cardNumber: string, lock = false): Promise<Row> {
  const [card] = await tx.query<Row[]>(
    `select state, case_number as "caseNumber", defect, made_for as "madeFor", assigned_at as "assignedAt"
     from card where card_number = $1 ${lock ? 'for update' : ''}`,
    [cardNumber],
  );
  if (!card) throw new CaError('unknownCard', 'there is no such card here');
  return card;
}

/** The lock of `PersonalisationService`, to the end of this transaction. */
async function mustNotBeInTheMaking(tx: EntityManager, cardNumber: string): Promise<void> {
  const [row] = await tx.query<{ mine: boolean }[]>(
    `select pg_try_advisory_xact_lock(hashtextextended('kaika.issuance.production.' || $1, 0)) as mine`,
    [cardNumber],
  );
  if (!row?.mine) throw new CaError('readerBusy', 'this card is being personalised');
}
