import type { CardRow, Listing } from '#libs/events';
import type { ReadCrlEntry } from '#libs/pki';

export type Batches = AsyncIterable<readonly ReadCrlEntry[]>;

/** What the log says of each serial whose card changed between two lists: its entry, or null for none. */
export type Changes = ReadonlyMap<string, Listing | null>;

export interface GateReport {
  added: number;
  gone: number;
  changed: number;
  /** Serials whose difference the log does not explain, by kind; at most 20 each. */
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
 * Walks two lists in serial order side by side and looks for each difference's reason in the log. Reads the finished
 * bytes of both, so that a mistake anywhere between log and list is seen.
 */
export async function compareLists(before: Batches, after: Batches, changes: Changes): Promise<GateReport> {
  const report: GateReport = { added: 0, gone: 0, changed: 0, unexplained: { added: [], gone: [], changed: [] } };
  const note = (kind: 'added' | 'gone' | 'changed', entry: ReadCrlEntry) => {
    report[kind] += 1;
    const explained = kind === 'gone' ? changes.get(entry.serial) === null : same(changes.get(entry.serial), entry);
    if (!explained && report.unexplained[kind].length < NAMED_SERIALS) report.unexplained[kind].push(entry.serial);
  };
  const [old, fresh] = [new Cursor(before), new Cursor(after)];
  for (;;) {
    if (old.spent) await old.fill();
    if (fresh.spent) await fresh.fill();
    const [was, is] = [old.entry, fresh.entry];
    if (!was && !is) return report;
    if (!is || (was && was.serial < is.serial)) {
      note('gone', was!);
      old.next();
    } else if (!was || is.serial < was.serial) {
      note('added', is);
      fresh.next();
    } else {
      if (!sameEntry(was, is)) note('changed', is);
      old.next();
      fresh.next();
    }
  }
}

function same(listing: Listing | null | undefined, entry: ReadCrlEntry): boolean {
  return listing?.reason === entry.reason && Date.parse(listing!.since) === entry.revocationDate.getTime();
}

function sameEntry(a: ReadCrlEntry, b: ReadCrlEntry): boolean {
  return a.reason === b.reason && a.revocationDate.getTime() === b.revocationDate.getTime();
}

/** One list, batch by batch: waits only where a batch ends. */
class Cursor {
  readonly #batches: AsyncIterator<readonly ReadCrlEntry[]>;
  #batch: readonly ReadCrlEntry[] = [];
  #at = 0;

  constructor(batches: Batches) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  get entry(): ReadCrlEntry | undefined {
    return this.#batch[this.#at];
  }

  get spent(): boolean {
    return this.#at >= this.#batch.length;
  }

  next(): void {
    this.#at += 1;
  }

  async fill(): Promise<void> {
    const { value, done } = await this.#batches.next();
    this.#batch = done ? [] : value;
    this.#at = 0;
  }
}
