import type { EntityManager } from 'typeorm';
import type { StatusRow } from '#libs/events';
import { put, statusColumns } from '../read-model.js';

/** Statuses from the owner's log, made aside in `rebuilt_status` and then put in place: only what differs is written. */
export const rebuiltStatuses = {
  async take(this: void, rows: readonly StatusRow[], tx: EntityManager): Promise<void> {
    const cards = rows.filter((row) => row.kind !== 'cut');
    const last = new Map(cards.map((row) => [row.cardNumber, statusColumns(row)]));
    await put(tx, 'rebuilt_status', [...last.values()], 'card_number', true);
  },

  async finish(this: void, tx: EntityManager): Promise<void> {
    await tx.query(
      `merge into card_status as s using rebuilt_status as r on s.card_number = r.card_number
       when matched and (s.seq, s.accepted_at, s.held, s.listed_reason, s.listed_since, s.listed_invalidity)
           is distinct from (r.seq, r.accepted_at, r.held, r.listed_reason, r.listed_since, r.listed_invalidity) then
         update set seq = r.seq, accepted_at = r.accepted_at, held = r.held, listed_reason = r.listed_reason,
           listed_since = r.listed_since, listed_invalidity = r.listed_invalidity
       when not matched then
         insert (card_number, seq, accepted_at, held, listed_reason, listed_since, listed_invalidity)
         values (r.card_number, r.seq, r.accepted_at, r.held, r.listed_reason, r.listed_since, r.listed_invalidity)
       when not matched by source then delete`,
    );
    await clearRebuilt(tx);
  },
};

/** What a rebuild that broke off has left. */
export async function clearRebuilt(tx: Pick<EntityManager, 'query'>): Promise<void> {
  await tx.query('delete from rebuilt_status');
}
