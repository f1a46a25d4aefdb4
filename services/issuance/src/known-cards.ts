import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CardRow, EventData } from '#libs/events';

const FIRST_OF_WAY_A = 1;

/** Copies of what the owners of status and user codes tell of cards that were issued here. */
@Injectable()
export class KnownCards {
  /** The latest row of the log stands; revoked is final, under every epoch: rows from before a restore may come again. */
  async statusChanged({ cardNumber, epoch, seq, kind, acceptedAt }: CardRow, tx: EntityManager): Promise<void> {
    await tx.query(
      `insert into known_status as known (card_number, epoch, seq, kind, accepted) values ($1, $2, $3, $4, $5)
       on conflict (card_number) do update
       set epoch = excluded.epoch, seq = excluded.seq, kind = excluded.kind, accepted = excluded.accepted
       where known.kind <> 'revoked' and (excluded.epoch <> known.epoch or excluded.seq > known.seq)`,
      [cardNumber, epoch, seq, kind, acceptedAt !== null],
    );
  }

  /**
   * The first user code of a card comes from here (way A), or is set by its holder at activation (way B). A later one
   * is a change even if that first event is lost, or comes after it: acceptance sends the one, this service the other.
   *
   * @returns whether a user code that the card had before was changed by this one
   */
  async userCodeSet(
    { cardNumber, kind, generation }: EventData<'credential.set'>,
    tx: EntityManager,
  ): Promise<boolean> {
    if (kind !== 'user-code') return false;
    const [before] = await tx.query<{ generation: number }[]>(
      'select generation from known_user_code where card_number = $1 for update',
      [cardNumber],
    );
    const [issued] = await tx.query<unknown[]>(
      `select 1 from card join application using (case_number) where card_number = $1 and way = 'A'`,
      [cardNumber],
    );
    await tx.query(
      `insert into known_user_code as known (card_number, generation) values ($1, $2)
       on conflict (card_number) do update set generation = excluded.generation
       where excluded.generation > known.generation`,
      [cardNumber, generation],
    );
    const known = before?.generation ?? (issued ? FIRST_OF_WAY_A : undefined);
    return known !== undefined && generation > known;
  }
}
