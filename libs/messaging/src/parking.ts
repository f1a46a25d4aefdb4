import type { EntityManager } from 'typeorm';
import { prepared } from '#libs/database';
import type { BusRecord } from './bus-record.js';

/** Locks the parked key: waits for a replay that is under way. */
async function isParked(tx: EntityManager, { topic, key }: BusRecord): Promise<boolean> {
  const rows = await tx.query<unknown[]>('select 1 from parked_key where topic = $1 and key = $2 for update', [
    topic,
    key,
  ]);
  return rows.length > 0;
}

const ENTER = prepared(
  `with parked as (select 1 from parked_key where topic = $1 and key = $2 for update),
     done as (delete from delivery_attempt where topic = $1 and record_id = $3),
     entered as (insert into inbox (event_id) select $4 where not exists (select 1 from parked)
                 on conflict do nothing returning 1)
   select exists (select 1 from parked) as parked, exists (select 1 from entered) as entered`,
);

/**
 * Enters an event in the inbox, unless its key is parked, and takes its attempts away: one statement for what every
 * event pays. It waits for a replay of the key that is under way, and then goes on if the key is free.
 *
 * @returns `handled` when the event's effect is to happen now, in this transaction
 */
export async function enterInbox(
  tx: EntityManager,
  { topic, key, id }: BusRecord,
  eventId: string,
): Promise<'handled' | 'duplicate' | 'parked'> {
  const [row] = await tx.query<{ parked: boolean; entered: boolean }[]>(ENTER, [topic, key, id, eventId]);
  return row!.parked ? 'parked' : row!.entered ? 'handled' : 'duplicate';
}

/** The same while the key's letters are replayed, by who holds its lock. @returns whether the effect is to happen */
export async function enterInboxAgain(tx: EntityManager, { topic, id }: BusRecord, eventId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `with done as (delete from delivery_attempt where topic = $1 and record_id = $2)
     insert into inbox (event_id) values ($3) on conflict do nothing returning event_id`,
    [topic, id, eventId],
  );
  return rows.length > 0;
}

/** Puts an event behind the dead letter of its key. A duplicate finds its place taken. */
export async function waitBehind(tx: EntityManager, record: BusRecord, type: string): Promise<void> {
  await file(tx, record, { type, state: 'waiting', reason: null, attempts: 0 });
}

/** Files a dead letter and parks its key. A record without a key parks nothing. */
export async function buryRecord(
  tx: EntityManager,
  record: BusRecord,
  type: string | null,
  reason: string,
  attempts: number,
): Promise<void> {
  const parked = await isParked(tx, record);
  const filed = await file(tx, record, { type, state: 'dead', reason: reason.slice(0, 2_000), attempts });
  if (filed && !parked && record.key) {
    await tx.query('insert into parked_key (topic, key) values ($1, $2)', [record.topic, record.key]);
  }
}

interface Letter {
  type: string | null;
  state: 'dead' | 'waiting';
  reason: string | null;
  attempts: number;
}

async function file(tx: EntityManager, record: BusRecord, letter: Letter): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `with done as (delete from delivery_attempt where topic = $1 and record_id = $3)
     insert into dead_letter (topic, key, record_id, value, type, state, reason, attempts)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (topic, record_id) do nothing returning id`,
    [
      record.topic,
      record.key,
      record.id,
      storable(record.value),
      letter.type,
      letter.state,
      letter.reason,
      letter.attempts,
    ],
  );
  return rows.length > 0;
}

/** PostgreSQL's text has no NUL; a record from outside may. */
const storable = (value: string): string => value.replaceAll('\0', '\uFFFD');
