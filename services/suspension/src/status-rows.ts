import {
  changeDigest,
  EMPTY_DIGEST,
  statusRowHash,
  type CardRow,
  type CutRow,
  type Listing,
  type SerialPair,
  type StatusRow,
} from '#libs/events';
import { holderOf, listingOf, standingHolds, type CardState, type Command, type CommandName } from './card-status.js';
import { utcSeconds } from './utc.js';

/** What identifies a card to those who read the log. */
export interface CardIdentity {
  readonly cardNumber: string;
  readonly serials: SerialPair;
  readonly issuerSki: string;
  readonly notAfter: Date;
  readonly partition: number | null;
}

/** Entries and digest of each issuer's list, as it would be now; an issuer appears with its first row. */
export type Lists = Readonly<Record<string, { readonly count: number; readonly digest: string }>>;

/** The end of the log: what the next row is chained to. */
export interface Head {
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
  /** Midnight or emergency, whichever was last. */
  readonly lastCut: Date | null;
  readonly lists: Lists;
}

export interface CardChange {
  readonly card: CardIdentity;
  readonly command: Command;
  readonly before: CardState;
  readonly after: CardState;
}

/** A row and the head after it. Pure: the caller writes both in the transaction that holds the log's lock. */
export interface Step<R extends StatusRow> {
  readonly row: R;
  readonly head: Head;
}

const KINDS: Record<CommandName, CardRow['kind']> = {
  accept: 'accepted',
  suspend: 'suspended',
  hold: 'suspended',
  resume: 'resumed',
  release: 'resumed',
  revoke: 'revoked',
};

export function cardRow(head: Head, { card, command, before, after }: CardChange, at: Date): Step<CardRow> {
  const listed = listingOf(after);
  const row = chain(head, at, {
    kind: KINDS[command.name],
    cardNumber: card.cardNumber,
    serials: card.serials,
    issuerSki: card.issuerSki,
    notAfter: utcSeconds(card.notAfter),
    partition: card.partition,
    holder: holderOf(command),
    acceptedAt: after.acceptedAt?.toISOString() ?? null,
    holds: standingHolds(after),
    listed,
  }) as CardRow;
  return { row, head: advance(head, row, { lists: changeLists(head.lists, card, listingOf(before), listed) }) };
}

/**
 * The marker of a cut, with what the owner expects on each list.
 *
 * @param emergency the emergency list it is for; without it, the cut is a midnight
 */
export function cutRow(head: Head, cut: Date, at: Date, emergency?: string): Step<CutRow> {
  const lists = Object.entries(head.lists)
    .map(([issuerSki, list]) => ({ issuerSki, ...list }))
    .sort((a, b) => (a.issuerSki < b.issuerSki ? -1 : 1));
  const row = chain(head, at, { kind: 'cut', cut: utcSeconds(cut), lists, ...(emergency && { emergency }) }) as CutRow;
  return { row, head: advance(head, row, { lastCut: cut }) };
}

function chain(head: Head, at: Date, content: object): Record<string, unknown> {
  const row = { epoch: head.epoch, seq: head.seq + 1, prevHash: head.hash, at: at.toISOString(), ...content };
  return { ...row, hash: statusRowHash(row) };
}

function advance(head: Head, row: StatusRow, change: Partial<Head>): Head {
  return { ...head, ...change, seq: row.seq, hash: row.hash };
}

/** Both serials of a card move together (DESIGN.md §5, invariant 2). */
function changeLists(lists: Lists, card: CardIdentity, before: Listing | null, after: Listing | null): Lists {
  let { count, digest } = lists[card.issuerSki] ?? { count: 0, digest: EMPTY_DIGEST };
  for (const serial of [card.serials.signature, card.serials.encryption]) {
    if (before) [count, digest] = [count - 1, changeDigest(digest, -1, serial, before.reason)];
    if (after) [count, digest] = [count + 1, changeDigest(digest, 1, serial, after.reason)];
  }
  return { ...lists, [card.issuerSki]: { count, digest } };
}
