import type { DataSource } from 'typeorm';
import type { CardRow } from '#libs/events';
import { readCrl, type CrlEntry } from '#libs/pki';
import { saidByLog } from './gate.js';
import { differences, type Difference } from './list-walk.js';
import { cardsOf } from './listings.js';
import type { PublishedList, PublishedLists } from './published-lists.js';
import { newestRetention, retiredAmong } from './retention.js';
import type { ServedFiles } from './served-files.js';
import type { StatusLog } from './status-log.js';

/**
 * Why an entry differs. `log`: the last row of its card says so. `expired`: it left after its certificate had expired
 * (RFC 5280 §3.3). `degraded`: one of the two lists was published together with entries of the one before it.
 */
export const EXPLANATIONS = ['log', 'expired', 'degraded', 'none'] as const;

export interface Explained {
  readonly serial: string;
  readonly cardNumber: string | null;
  readonly difference: Difference['kind'];
  readonly before: CrlEntry | null;
  readonly after: CrlEntry | null;
  readonly explanation: (typeof EXPLANATIONS)[number];
  /** Of its card, between the two markers, in order. */
  readonly rows: CardRow[];
}

export interface TwoLists {
  readonly older: PublishedList;
  readonly newer: PublishedList;
}

/** Every difference of two published lists, with the rows of the log that explain it. */
export class Explanations {
  constructor(
    private readonly source: DataSource,
    private readonly lists: PublishedLists,
    private readonly files: ServedFiles,
    private readonly log: StatusLog,
  ) {}

  async find(issuerSki: string, number: bigint): Promise<PublishedList | undefined> {
    return this.lists.byNumber(issuerSki, number);
  }

  /** In serial order, `limit` of them, those above the serial `after`. */
  async explain(two: TwoLists, after: string, limit: number): Promise<Explained[]> {
    const found = await this.differences(two, after, limit);
    if (found.length === 0) return [];
    const { older, newer } = two;
    const serials = found.map(({ serial }) => serial);
    const rows = await this.rowsOf(new Set(serials), two);
    const cards = await cardsOf(this.source.manager, older.issuerSki, serials);
    const retention = await newestRetention(this.source.manager, older.issuerSki, newer.number);
    const at = { markerSeq: newer.markerSeq, retention };
    const retired = await retiredAmong(this.source.manager, older.issuerSki, serials, at);
    return found.map((difference) => {
      const { serial, kind, before = null, after = null } = difference;
      const ofCard = rows.get(serial) ?? [];
      const cardNumber = cards.get(serial) ?? ofCard[0]?.cardNumber ?? null;
      const explanation = reasonOf(difference, ofCard, { retired: retired.has(serial), two });
      return { serial, cardNumber, difference: kind, before, after, explanation, rows: ofCard };
    });
  }

  private async differences({ older, newer }: TwoLists, after: string, limit: number): Promise<Difference[]> {
    const [old, fresh] = [await this.read(older), await this.read(newer)];
    const found: Difference[] = [];
    for await (const batch of differences(old.batches(), fresh.batches())) {
      found.push(...batch.filter(({ serial }) => serial > after).slice(0, limit - found.length));
      if (found.length === limit) break;
    }
    return found;
  }

  private async read(list: PublishedList) {
    return readCrl(await this.files.ensure(list));
  }

  private async rowsOf(serials: ReadonlySet<string>, { older, newer }: TwoLists): Promise<Map<string, CardRow[]>> {
    const rows = new Map<string, CardRow[]>();
    for await (const row of this.log.cardRows(older.markerSeq, newer.markerSeq)) {
      for (const serial of [row.serials.signature, row.serials.encryption]) {
        if (serials.has(serial)) rows.set(serial, [...(rows.get(serial) ?? []), row]);
      }
    }
    return rows;
  }
}

function reasonOf(
  difference: Difference,
  rows: CardRow[],
  { retired, two }: { retired: boolean; two: TwoLists },
): Explained['explanation'] {
  const last = rows.at(-1);
  if (last && saidByLog(difference, new Map([[difference.serial, last.listed]]))) return 'log';
  if (difference.kind === 'gone' && retired) return 'expired';
  return two.older.degraded || two.newer.degraded ? 'degraded' : 'none';
}
