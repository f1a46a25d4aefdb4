import type { EntityManager } from 'typeorm';
import type { Write } from '#libs/database';
import { CaError } from '#libs/errors';
import type { EventData, Holder } from '#libs/events';
import { HOLDERS } from '#libs/events';
import type { CardState, RevocationReason } from './card-status.js';
import type { CardIdentity } from './status-rows.js';

/** A card whose row this transaction has locked. */
export interface LockedCard {
  readonly identity: CardIdentity;
  readonly state: CardState;
  /** The last moment of the time for acceptance; null: none. */
  readonly acceptBy: Date | null;
  /** Generation of its verifier; 0 when it has none yet. */
  readonly generation: number;
  /** The log's clock when the row was read; what is decided finally is decided at the log's own time. */
  readonly readAt: Date;
}

interface CardRecord {
  card_number: string;
  signature_serial: string;
  encryption_serial: string;
  issuer_ski: string;
  not_after: Date;
  partition: number | null;
  accepted_at: Date | null;
  holds: Partial<Record<Holder, string>>;
  lifted: Holder[];
  revoked_at: Date | null;
  revoked_reason: RevocationReason | null;
  compromised_at: Date | null;
  not_good_since: Date | null;
  accept_by: Date | null;
  generation: number | null;
  read_at: Date;
}

/** Locks the row of a card and keeps its verifier from changing until the commit. */
export async function lockCard(tx: EntityManager, cardNumber: string): Promise<LockedCard | undefined> {
  const [locked] = (await tx.query('select 1 from card where card_number = $1 for update', [cardNumber])) as unknown[];
  return locked ? read(tx, cardNumber) : undefined;
}

/** @throws CaError unknownCard */
export async function lockKnownCard(tx: EntityManager, cardNumber: string): Promise<LockedCard> {
  return (await lockCard(tx, cardNumber)) ?? unknown(cardNumber);
}

function unknown(cardNumber: string): never {
  throw new CaError('unknownCard', `card ${cardNumber} is not known here yet`);
}

async function read(tx: EntityManager, cardNumber: string): Promise<LockedCard> {
  const [row] = (await tx.query(
    `select card.*, generation, log_now() as read_at
     from card left join (select * from verifier where card_number = $1 for share) as v using (card_number)
     where card_number = $1`,
    [cardNumber],
  )) as [CardRecord];
  return {
    identity: {
      cardNumber,
      serials: { signature: row.signature_serial, encryption: row.encryption_serial },
      issuerSki: row.issuer_ski,
      notAfter: row.not_after,
      partition: row.partition,
    },
    state: stateOf(row),
    acceptBy: row.accept_by,
    generation: row.generation ?? 0,
    readAt: row.read_at,
  };
}

/** @param activation the one that accepted the card, if it is accepted by this change */
export function cardWrite(cardNumber: string, state: CardState, activation?: string): Write {
  return {
    sql: `update card set accepted_at = $2, holds = $3, lifted = $4, revoked_at = $5, revoked_reason = $6,
                 compromised_at = $7, not_good_since = $8, activation = coalesce($9, activation)
          where card_number = $1`,
    values: [
      cardNumber,
      state.acceptedAt,
      JSON.stringify(state.holds),
      state.lifted,
      state.revoked?.at,
      state.revoked?.reason,
      state.revoked?.compromisedAt,
      state.notGoodSince,
      activation,
    ],
  };
}

/** More time for acceptance, and the reminders of it again. */
export async function setAcceptBy(tx: EntityManager, cardNumber: string, acceptBy: Date): Promise<void> {
  await tx.query('update card set accept_by = $2, reminded_days = null where card_number = $1', [cardNumber, acceptBy]);
}

/** A card that was issued, pending. Told twice it stays as it is. */
export async function insertCard(
  tx: EntityManager,
  card: EventData<'certificate.issued'>,
  acceptBy: Date,
): Promise<void> {
  await tx.query(
    `insert into card (card_number, signature_serial, encryption_serial, issuer_ski, not_after, partition, accept_by)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (card_number) do nothing`,
    [
      card.cardNumber,
      card.serials.signature,
      card.serials.encryption,
      card.issuerSki,
      card.notAfter,
      card.partition ?? null,
      acceptBy,
    ],
  );
}

function stateOf(row: CardRecord): CardState {
  const holds = HOLDERS.flatMap((holder) => {
    const since = row.holds[holder];
    return since ? [[holder, new Date(since)]] : [];
  });
  return {
    notAfter: row.not_after,
    acceptedAt: row.accepted_at,
    holds: Object.fromEntries(holds) as CardState['holds'],
    lifted: row.lifted,
    revoked: row.revoked_at && {
      at: row.revoked_at,
      reason: row.revoked_reason!,
      ...(row.compromised_at && { compromisedAt: row.compromised_at }),
    },
    notGoodSince: row.not_good_since,
  };
}
