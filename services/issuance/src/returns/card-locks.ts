import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { EventData } from '#libs/events';

/** What acceptance tells of locked cards: each was proved by its 9E key before anything was done with it. */
@Injectable()
export class CardLocks {
  async locked({ cardNumber, at }: EventData<'card.locked'>, tx: EntityManager): Promise<void> {
    await tx.query(
      `insert into known_lock as known (card_number, locked_at) values ($1, $2)
       on conflict (card_number) do update set locked_at = greatest(known.locked_at, excluded.locked_at)`,
      [cardNumber, at],
    );
  }

  /**
   * Identifies the card of the case that lies here, and lets it be sent back as unlocked. When it was unlocked counts, not
   * when it is told: an unlocking of an earlier case may be told late, and this card may have locked itself since.
   */
  async unlocked(data: EventData<'card.unlocked'>, tx: EntityManager): Promise<void> {
    const { cardNumber, transportGeneration, pukGeneration, at } = data;
    await tx.query(
      `insert into known_lock as known (card_number, unlocked_at, transport_generation, puk_generation)
       values ($1, $2, $3, $4)
       on conflict (card_number) do update
       set unlocked_at = greatest(known.unlocked_at, excluded.unlocked_at),
           transport_generation = greatest(known.transport_generation, excluded.transport_generation),
           puk_generation = greatest(known.puk_generation, excluded.puk_generation)`,
      [cardNumber, at, transportGeneration, pukGeneration],
    );
    await tx.query(
      `update card_return
       set unlocked_at = coalesce(unlocked_at, $2),
           state = case state when 'received' then 'identified' else state end,
           identified_at = coalesce(identified_at, $2), identified_how = coalesce(identified_how, 'proof')
       where card_number = $1 and state in ('received', 'identified', 'decided') and received_at <= $2`,
      [cardNumber, at],
    );
  }
}
