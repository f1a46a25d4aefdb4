import type { EntityManager } from 'typeorm';
import { newEvent } from '#libs/events';
import type { Outbox } from '#libs/messaging';

/** Held while stock is added, and by whoever found it empty: so nobody waits beside a card. */
export async function lockStock(tx: EntityManager): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('kaika.issuance.stock', 0))`);
}

/** The first blank card that no other approval holds. */
export async function assignCard(tx: EntityManager, caseNumber: string, now: Date): Promise<string | undefined> {
  return assign(tx, caseNumber, now, 'for update skip locked');
}

/**
 * The first blank card, waiting for approvals that hold one and may give it back.
 *
 * @returns undefined when the stock is empty, and stays so until this transaction is over
 */
export async function assignOrWait(tx: EntityManager, caseNumber: string, now: Date): Promise<string | undefined> {
  const free = await assignCard(tx, caseNumber, now);
  if (free !== undefined) return free;
  await lockStock(tx);
  for (;;) {
    const cardNumber = await assign(tx, caseNumber, now, 'for update');
    if (cardNumber !== undefined) return cardNumber;
    // The one it waited for was taken; there may be others.
    const [blank] = await tx.query<unknown[]>(`select 1 from card where state = 'blank' limit 1`);
    if (!blank) return undefined;
  }
}

/** Gives blank cards to the applications that wait for one, the oldest first. The caller holds the stock's lock. */
export async function assignWaiting(tx: EntityManager, outbox: Outbox, now: Date): Promise<void> {
  for (;;) {
    const [waiting] = await tx.query<{ case_number: string }[]>(
      `select case_number from application where state = 'waiting-for-stock'
       order by received_at, case_number limit 1 for update`,
    );
    const cardNumber = waiting && (await assignCard(tx, waiting.case_number, now));
    if (!cardNumber) return;
    const caseNumber = waiting.case_number;
    await tx.query(`update application set state = 'approved' where case_number = $1`, [caseNumber]);
    const facts = { source: 'issuance', now };
    await outbox.add(tx, newEvent('application.approved', caseNumber, { caseNumber, cardNumber }, facts));
  }
}

async function assign(tx: EntityManager, caseNumber: string, now: Date, lock: string): Promise<string | undefined> {
  const [rows] = await tx.query<[{ card_number: string }[], number]>(
    `update card set state = 'assigned', case_number = $1, assigned_at = $2
     where state = 'blank'
       and card_number = (select card_number from card where state = 'blank' order by card_number limit 1 ${lock})
     returning card_number`,
    [caseNumber, now],
  );
  return rows[0]?.card_number;
}
