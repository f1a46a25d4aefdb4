import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { newEvent } from '#libs/events';
import { LOG } from '#libs/host';
import { Outbox } from '#libs/messaging';
import { lockKnownCard } from '../card.js';
import { CardChanges } from '../card-changes.js';
import { utcSeconds } from '../utc.js';
import { daysLeft, DeadlineSettings, EFFECT, isOverdue, reminders } from './acceptance-deadline.js';

const BATCH = 200;
/** `officer_act.by` of what no person did. */
const DEADLINE = 'system:acceptance-deadline';

interface Due {
  readonly card_number: string;
  readonly accept_by: Date;
}

/**
 * Reminds of the acceptance deadline, and gives it its effect. Each card is a transaction of its own under the card's
 * lock, where everything is looked at again: it may be killed anywhere, run twice, and run beside acceptances.
 */
@Injectable()
export class DeadlineService {
  constructor(
    private readonly source: DataSource,
    private readonly changes: CardChanges,
    private readonly outbox: Outbox,
    private readonly settings: DeadlineSettings,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** One look at all cards. A card that fails is tried again at the next. */
  async look(signal?: AbortSignal): Promise<void> {
    if (this.settings.action === 'none') return;
    for (const days of reminders(this.settings)) {
      while (!signal?.aborted && (await this.remind(days)) === BATCH);
    }
    let last: Due | undefined;
    while (!signal?.aborted) {
      const batch = await this.overdue(last);
      for (const { card_number } of batch) await this.meet(card_number);
      last = batch.at(-1);
      if (batch.length < BATCH) return;
    }
  }

  /** Reminds once of each number of days, of the smallest that applies. @returns how many */
  private remind(days: number): Promise<number> {
    return this.source.transaction(async (tx) => {
      const [{ now }] = (await tx.query('select log_now() as now')) as [{ now: Date }];
      const [cards] = (await tx.query(
        `with due as (
           select card_number from card
           where accepted_at is null and revoked_at is null and not holds ? 'deadline' and holds = '{}'
             and accept_by > $1 and accept_by <= $1::timestamptz + $2 * interval '1 day'
             and not_after > $1 and coalesce(reminded_days, 1000) > $2
           order by accept_by, card_number limit ${BATCH} for update skip locked)
         update card set reminded_days = $2 from due where card.card_number = due.card_number
         returning card.card_number, accept_by`,
        [now, days],
      )) as [Due[], number];
      const events = cards.map(({ card_number: cardNumber, accept_by }) => {
        const data = { cardNumber, dueAt: utcSeconds(accept_by), daysLeft: daysLeft(accept_by, now) };
        return newEvent('card.acceptance-due', cardNumber, data, { source: 'suspension', now });
      });
      await this.outbox.add(tx, events);
      return cards.length;
    });
  }

  private async overdue(after: Due | undefined): Promise<Due[]> {
    const [{ now }] = (await this.source.query('select log_now() as now')) as [{ now: Date }];
    return (await this.source.query(
      `select card_number, accept_by from card
       where accepted_at is null and revoked_at is null and not holds ? 'deadline'
         and accept_by < $1 and not_after > $1 and ($2::timestamptz is null or (accept_by, card_number) > ($2, $3))
       order by accept_by, card_number limit ${BATCH}`,
      [now, after?.accept_by ?? null, after?.card_number ?? null],
    )) as Due[];
  }

  private async meet(cardNumber: string): Promise<void> {
    const { action } = this.settings;
    if (action === 'none') return;
    try {
      await this.source.transaction(async (tx) => {
        const card = await lockKnownCard(tx, cardNumber);
        if (!isOverdue(card)) return; // accepted, extended or met since
        const ground = `not accepted by ${utcSeconds(card.acceptBy!)}`;
        await this.changes.withReceipt(tx, card, EFFECT[action], { act: action, by: DEADLINE, ground });
      });
    } catch (error) {
      this.log.warn({ err: error as unknown, cardNumber }, 'the acceptance deadline of a card, trying again');
    }
  }
}
