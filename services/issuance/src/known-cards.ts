import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CardRow, EventData } from '#libs/events';

/** Copies of what the owners of status and user codes tell of cards that were issued here. */
@Injectable()
export class KnownCards {
  /** The latest row of the log stands. */
  async statusChanged({ cardNumber, epoch, seq, kind }: CardRow, tx: EntityManager): Promise<void> {
    await tx.query(
      `insert into known_status as known (card_number, epoch, seq, kind) values ($1, $2, $3, $4)
       on conflict (card_number) do update set epoch = excluded.epoch, seq = excluded.seq, kind = excluded.kind
       where excluded.epoch <> known.epoch or excluded.seq > known.seq`,
      [cardNumber, epoch, seq, kind],
    );
  }

  /** @returns whether a user code that the card had before was changed by this one */
  async userCodeSet(
    { cardNumber, kind, generation }: EventData<'credential.set'>,
    tx: EntityManager,
  ): Promise<boolean> {
    if (kind !== 'user-code') return false;
    const [before] = await tx.query<{ generation: number }[]>(
      'select generation from known_user_code where card_number = $1 for update',
      [cardNumber],
    );
    await tx.query(
      `insert into known_user_code as known (card_number, generation) values ($1, $2)
       on conflict (card_number) do update set generation = excluded.generation
       where excluded.generation > known.generation`,
      [cardNumber, generation],
    );
    return before !== undefined && generation > before.generation;
  }
}
