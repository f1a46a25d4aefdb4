import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { newEvent } from '#libs/events';
import { Outbox } from '#libs/messaging';
import { parseCardNumber } from '#libs/taiwan';
import { VirtualCardStore } from '#libs/virtual-card';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { assignWaiting, lockStock } from './card-assignment.js';
import { CARD_STATES, type CardState, nextCardState } from './card-state.js';

export interface Dispatched {
  cardNumber: string;
  state: CardState;
  registeredMail: string;
  dispatchedAt: string;
}

/** Cards as things: blank ones come in, finished ones leave by registered mail. */
@Injectable()
export class StockService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
    private readonly cards: VirtualCardStore,
    @Inject(ISSUANCE_CONFIG) private readonly config: IssuanceConfig,
  ) {}

  /**
   * Takes blank cards into stock. Those it knows already, in whatever state, stay as they are: a card that has a holder
   * is never made blank again. Applications that wait for a card get theirs in the same transaction.
   *
   * @returns `added`: those that were new
   * @throws CaError invalidRequest (test cards outside test mode)
   */
  async add(cardNumbers: string[]): Promise<{ cardNumbers: string[]; added: string[]; blank: number }> {
    this.refuseTestCards(cardNumbers);
    const added = await this.source.transaction(async (tx) => {
      // One at a time: nobody may take a card into production while its file is made.
      await lockStock(tx);
      const known = await tx.query<{ card_number: string }[]>(
        'select card_number from card where card_number = any($1)',
        [cardNumbers],
      );
      const fresh = cardNumbers.filter((n) => !known.some(({ card_number }) => card_number === n));
      if (this.config.stations.length === 0) {
        for (const cardNumber of fresh) await this.cards.create(cardNumber);
      }
      await tx.query(`insert into card (card_number, state, added_at) select unnest($1::text[]), 'blank', $2`, [
        fresh,
        this.clock.now(),
      ]);
      await assignWaiting(tx, this.outbox, this.clock.now());
      return fresh;
    });
    return { cardNumbers, added, blank: (await this.counts()).blank };
  }

  async counts(): Promise<Record<CardState, number>> {
    const rows = await this.source.query<{ state: CardState; count: number }[]>(
      'select state, count(*)::int as count from card group by state',
    );
    const of = (state: CardState) => rows.find((row) => row.state === state)?.count ?? 0;
    return Object.fromEntries(CARD_STATES.map((state) => [state, of(state)])) as Record<CardState, number>;
  }

  /** Repeated with the same number: the first answer. @throws CaError unknownCard | conflict */
  async dispatch(cardNumber: string, registeredMail: string, by: string): Promise<Dispatched> {
    return this.source.transaction(async (tx) => {
      const [card] = await tx.query<{ state: CardState; registered_mail: string; dispatched_at: Date }[]>(
        'select state, registered_mail, dispatched_at from card where card_number = $1 for update',
        [cardNumber],
      );
      if (!card) throw new CaError('unknownCard', 'there is no such card here');
      if (card.state === 'dispatched' && card.registered_mail === registeredMail) {
        return { cardNumber, state: 'dispatched', registeredMail, dispatchedAt: card.dispatched_at.toISOString() };
      }
      const state = nextCardState(card.state, 'dispatch');
      const now = this.clock.now();
      const dispatchedAt = now.toISOString();
      await tx.query('update card set state = $2, registered_mail = $3, dispatched_at = $4 where card_number = $1', [
        cardNumber,
        state,
        registeredMail,
        now,
      ]);
      // A card in place of a defective one ends the case of that one.
      await tx.query(
        `update card_return set state = 'sent-back', registered_mail = $2, sent_back_at = $3, sent_back_by = $4
         where state = 'decided' and replacement = (select case_number from card where card_number = $1)`,
        [cardNumber, registeredMail, now, by],
      );
      const data = { cardNumber, at: dispatchedAt };
      await this.outbox.add(tx, newEvent('card.dispatched', cardNumber, data, { source: 'issuance', now }));
      return { cardNumber, state, registeredMail, dispatchedAt };
    });
  }

  /**
   * Another number in the place of one that was noted wrongly. Repeated: the same answer.
   *
   * @throws CaError unknownCard | conflict (not dispatched)
   */
  async correctDispatch(
    cardNumber: string,
    { registeredMail, ground, by }: { registeredMail: string; ground: string; by: string },
  ): Promise<Dispatched> {
    return this.source.transaction(async (tx) => {
      const [card] = await tx.query<{ state: CardState; registered_mail: string; dispatched_at: Date }[]>(
        'select state, registered_mail, dispatched_at from card where card_number = $1 for update',
        [cardNumber],
      );
      if (!card) throw new CaError('unknownCard', 'there is no such card here');
      const { state, registered_mail: was } = card;
      if (state !== 'dispatched') throw new CaError('conflict', `this card is ${state}`, { state });
      const answer = { cardNumber, state, registeredMail, dispatchedAt: card.dispatched_at.toISOString() };
      if (was === registeredMail) return answer;
      await tx.query(
        `insert into dispatch_correction (card_number, was, becomes, ground, corrected_by, corrected_at)
         values ($1, $2, $3, $4, $5, $6)`,
        [cardNumber, was, registeredMail, ground, by, this.clock.now()],
      );
      await tx.query('update card set registered_mail = $2 where card_number = $1', [cardNumber, registeredMail]);
      await tx.query(
        `update card_return set registered_mail = $2
         where state = 'sent-back' and replacement = (select case_number from card where card_number = $1)`,
        [cardNumber, registeredMail],
      );
      return answer;
    });
  }

  private refuseTestCards(cardNumbers: string[]): void {
    const errors = cardNumbers.flatMap((text, i) =>
      parseCardNumber(text, { testMode: this.config.testCards })
        ? []
        : [{ at: `/cardNumbers/${i}`, problem: 'test cards are for test mode only' }],
    );
    if (errors.length > 0) throw new CaError('invalidRequest', 'test cards are for test mode only', { errors });
  }
}
