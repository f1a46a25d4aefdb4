import type { EntityManager } from 'typeorm';
import { CaError } from '#libs/errors';
import type { ReturnCase, ReturnQuery } from './return.schema.js';
import type { Outcome, ReturnState } from './return-state.js';

type Times = 'announcedAt' | 'receivedAt' | 'identifiedAt' | 'lockedAt' | 'unlockedAt' | 'decidedAt' | 'sentBackAt' | 'erasedAt'; // prettier-ignore

/** A case as it is stored, without its code; the letter sealed. */
export type ReturnRow = Omit<ReturnCase, Times> & {
  [T in Times]: T extends 'announcedAt' ? Date : Date | null;
} & { readonly letter: string | null; readonly codeDigest: Buffer };

const COLUMNS = `r.case_number as "caseNumber", r.card_number as "cardNumber", r.code_digest as "codeDigest", r.state,
  r.letter, r.announced_at as "announcedAt", r.received_at as "receivedAt", r.received_by as "receivedBy",
  r.identified_at as "identifiedAt", r.identified_how as "identifiedHow", r.identified_by as "identifiedBy",
  r.unlocked_at as "unlockedAt", r.outcome, r.asked_by as "askedBy", r.decided_by as "decidedBy",
  r.decided_at as "decidedAt", r.replacement as "newCaseNumber", r.registered_mail as "registeredMail",
  r.sent_back_at as "sentBackAt", r.sent_back_by as "sentBackBy", r.erased_at as "erasedAt"`;
const LOCKED_AT = `(select locked_at from known_lock where card_number = r.card_number) as "lockedAt"`;

/** @throws CaError notFound */
export async function readReturn(
  tx: Pick<EntityManager, 'query'>,
  caseNumber: string,
  lock = false,
): Promise<ReturnRow> {
  const [row] = await tx.query<ReturnRow[]>(
    `select ${COLUMNS}, ${LOCKED_AT} from card_return r where r.case_number = $1 ${lock ? 'for update' : ''}`,
    [caseNumber],
  );
  if (!row) throw new CaError('notFound', 'there is no such case');
  return row;
}

/** Oldest first. */
export function listReturns(
  tx: Pick<EntityManager, 'query'>,
  { state, after, limit }: ReturnQuery,
): Promise<ReturnRow[]> {
  return tx.query<ReturnRow[]>(
    `select ${COLUMNS}, ${LOCKED_AT} from card_return r
     where ($1::text is null or r.state = $1)
       and ($2::text is null or (r.announced_at, r.case_number) >
            (select announced_at, case_number from card_return where case_number = $2))
     order by r.announced_at, r.case_number limit $3`,
    [state ?? null, after ?? null, limit],
  );
}

/** What the certificates of a card are worth, as far as it was told here. @throws CaError unknownCard */
export async function worthOf(
  tx: Pick<EntityManager, 'query'>,
  cardNumber: string,
): Promise<{ revoked: boolean; accepted: boolean; notAfter: Date }> {
  const [row] = await tx.query<{ kind: string | null; accepted: boolean; notAfter: Date }[]>(
    `select s.kind, coalesce(s.accepted, false) as accepted, c.not_after as "notAfter"
     from card k join certificate c on c.card_number = k.card_number and c.slot = '9C' and c.state = 'written'
     left join known_status s on s.card_number = k.card_number
     where k.card_number = $1 and k.issued_at is not null`,
    [cardNumber],
  );
  if (!row) throw new CaError('unknownCard', 'no card of this number was issued here');
  return { revoked: row.kind === 'revoked', accepted: row.accepted, notAfter: row.notAfter };
}

export function viewOf(row: ReturnRow): ReturnCase {
  const { letter: _letter, codeDigest: _digest, ...shown } = row;
  return {
    ...shown,
    announcedAt: row.announcedAt.toISOString(),
    receivedAt: text(row.receivedAt),
    identifiedAt: text(row.identifiedAt),
    lockedAt: text(row.lockedAt),
    unlockedAt: text(row.unlockedAt),
    decidedAt: text(row.decidedAt),
    sentBackAt: text(row.sentBackAt),
    erasedAt: text(row.erasedAt),
  };
}

const text = (at: Date | null) => at?.toISOString() ?? null;

export type { Outcome, ReturnState };
