import type { CardRow, Listing } from '#libs/events';
import type { CrlEntry } from '#libs/pki';
import { differences, type Batches, type Difference } from './list-walk.js';

/** What the log says of each serial whose card changed between two lists: its entry, or null for none. */
export type Changes = ReadonlyMap<string, Listing | null>;

/** Of these serials, those whose entry left because the certificate has expired and its last list is out. */
export type RetiredAmong = (serials: string[]) => Promise<ReadonlySet<string>>;

export interface GateReport {
  added: number;
  gone: number;
  changed: number;
  /** How many differences the log does not explain. */
  unexplainedCount: { added: number; gone: number; changed: number };
  /** Their serials, by kind; at most 20 each. */
  unexplained: { added: string[]; gone: string[]; changed: string[] };
}

const NAMED_SERIALS = 20;

/** The last row of a card counts: it says the whole state (libs/events, status-row). */
export async function changesOf(rows: AsyncIterable<CardRow> | Iterable<CardRow>, issuerSki: string): Promise<Changes> {
  const changes = new Map<string, Listing | null>();
  for await (const row of rows) {
    if (row.issuerSki !== issuerSki) continue;
    changes.set(row.serials.signature, row.listed);
    changes.set(row.serials.encryption, row.listed);
  }
  return changes;
}

/**
 * Looks for each difference's reason in the log. Reads the finished bytes of both lists, so that a mistake anywhere
 * between log and list is seen.
 */
export async function compareLists(
  before: Batches,
  after: Batches,
  changes: Changes,
  retiredAmong: RetiredAmong = async () => new Set(),
): Promise<GateReport> {
  const zero = () => ({ added: 0, gone: 0, changed: 0 });
  const report: GateReport = { ...zero(), unexplainedCount: zero(), unexplained: { added: [], gone: [], changed: [] } };
  for await (const batch of differences(before, after)) {
    for (const { kind } of batch) report[kind] += 1;
    for (const { kind, serial } of await unexplained(batch, changes, retiredAmong)) {
      report.unexplainedCount[kind] += 1;
      if (report.unexplained[kind].length < NAMED_SERIALS) report.unexplained[kind].push(serial);
    }
  }
  return report;
}

/** What is gone is explained by a row that took it away, or by its expiry when no row speaks of it. */
async function unexplained(batch: Difference[], changes: Changes, retiredAmong: RetiredAmong): Promise<Difference[]> {
  const open = batch.filter((one) => !saidByLog(one, changes));
  const gone = open.flatMap(({ kind, serial }) => (kind === 'gone' ? [serial] : []));
  if (gone.length === 0) return open;
  const retired = await retiredAmong(gone);
  return open.filter(({ kind, serial }) => kind !== 'gone' || !retired.has(serial));
}

export function saidByLog({ kind, serial, after }: Difference, changes: Changes): boolean {
  return kind === 'gone' ? changes.get(serial) === null : same(changes.get(serial), after!);
}

function same(listing: Listing | null | undefined, entry: CrlEntry): boolean {
  if (!listing || listing.reason !== entry.reason) return false;
  const invalid = listing.invalidityDate === undefined ? undefined : Date.parse(listing.invalidityDate);
  return Date.parse(listing.since) === entry.revocationDate.getTime() && invalid === entry.invalidityDate?.getTime();
}
