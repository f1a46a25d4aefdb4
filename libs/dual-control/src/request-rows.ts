import type { EntityManager } from 'typeorm';
import type { RequestState, Verdict } from './rules.js';

/** A request as it is stored. */
export interface RequestRow {
  readonly position: number;
  readonly id: string;
  readonly kind: string;
  readonly about: string;
  readonly parameters: unknown;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly state: RequestState;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly ground: string | null;
  readonly result: unknown;
}

const COLUMNS = `position::int, id, kind, about, parameters, requested_by as "requestedBy", requested_at as "requestedAt",
  expires_at as "expiresAt", state, decided_by as "decidedBy", decided_at as "decidedAt", ground, result`;

export type NewRequest = Omit<RequestRow, 'position' | 'state' | 'decidedBy' | 'decidedAt' | 'ground' | 'result'>;

/** The open request that says the same, or this one. Waits for a transaction that is about to store it too. */
export async function insertRequest(tx: EntityManager, request: NewRequest): Promise<RequestRow> {
  for (;;) {
    const row = await insertOrFind(tx, request);
    if (row) return row;
  }
}

/** @returns undefined when the one that was in the way has been decided since */
async function insertOrFind(tx: EntityManager, request: NewRequest): Promise<RequestRow | undefined> {
  const { kind, about, requestedBy, requestedAt } = request;
  const parameters = JSON.stringify(request.parameters);
  await tx.query(
    `update dual_control_request set state = 'expired' where id in (
       select id from dual_control_request
       where kind = $1 and about = $2 and state = 'open' and expires_at <= $3 for update skip locked)`,
    [kind, about, requestedAt],
  );
  await tx.query(
    `insert into dual_control_request (id, kind, about, parameters, requested_by, requested_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (kind, about, requested_by, md5(parameters::text)) where state = 'open' do nothing`,
    [request.id, kind, about, parameters, requestedBy, requestedAt, request.expiresAt],
  );
  const [row] = (await tx.query(
    `select ${COLUMNS} from dual_control_request
     where kind = $1 and about = $2 and requested_by = $3 and md5(parameters::text) = md5($4) and state = 'open'`,
    [kind, about, requestedBy, parameters],
  )) as RequestRow[];
  return row;
}

export async function selectRequest(tx: EntityManager, kind: string, id: string, lock = false) {
  const [row] = (await tx.query(
    `select ${COLUMNS} from dual_control_request where id = $1 and kind = $2 ${lock ? 'for update' : ''}`,
    [id, kind],
  )) as RequestRow[];
  return row;
}

export interface RequestPage {
  readonly state?: RequestState;
  /** What alone is asked for: a card's number, say. */
  readonly about?: string;
  /** Position of the last one seen; 0 for the first page. */
  readonly after: number;
  readonly limit: number;
}

/** Oldest first. */
export async function selectRequests(tx: EntityManager, kind: string, page: RequestPage, at: Date) {
  const { state, about, after, limit } = page;
  return (await tx.query(
    `select ${COLUMNS} from dual_control_request
     where kind = $1 and position > $2
       and ($3::text is null or $3 = case when state = 'open' and expires_at <= $4 then 'expired' else state end)
       and ($5::text is null or $5 = about)
     order by position limit $6`,
    [kind, after, state ?? null, at, about ?? null, limit],
  )) as RequestRow[];
}

export async function markDecided(
  tx: EntityManager,
  id: string,
  { verdict, by, at, ground, result }: { verdict: Verdict; by: string; at: Date; ground?: string; result?: unknown },
): Promise<void> {
  await tx.query(
    `update dual_control_request set state = $2, decided_by = $3, decided_at = $4, ground = $5, result = $6 where id = $1`,
    [id, verdict, by, at, ground ?? null, result === undefined ? null : JSON.stringify(result)],
  );
}
