import type { DataSource } from 'typeorm';
import { CaError } from '#libs/errors';
import { readCrl, type CaCertificate, type CrlColumns, type CrlEntry } from '#libs/pki';
import type { Alarms } from './alarms.js';
import type { CheckedList } from './check-list.js';
import { changesOf, compareLists, type Changes, type GateReport } from './gate.js';
import type { HeldReport } from './held-lists.js';
import { subtract } from './list-digest.js';
import type { Draft, Marker } from './list-run.js';
import type { PublishedList, PublishedLists } from './published-lists.js';
import { newestRetention, retiredAmong } from './retention.js';
import type { ServedFiles } from './served-files.js';
import type { StatusLog } from './status-log.js';
import { unionOf } from './union.js';

export interface JudgeParts {
  source: DataSource;
  issuer: CaCertificate;
  log: StatusLog;
  lists: PublishedLists;
  files: ServedFiles;
  alarms: Alarms;
}

const zero = () => ({ added: 0, gone: 0, changed: 0 });
const NO_DIFFERENCE: GateReport = {
  ...zero(),
  unexplainedCount: zero(),
  unexplained: { added: [], gone: [], changed: [] },
};

/** What stands between a signed list and its publication: the log's owner, and the list before. */
export class Judge {
  constructor(private readonly parts: JudgeParts) {}

  /**
   * Additions never hold a list back: it may say too much, never too little.
   *
   * @throws CaError crlUnexplained with a `HeldReport`
   */
  async passGate({ attempt, marker, retired }: Draft, { list, count, digest }: CheckedList): Promise<void> {
    const { lists, alarms } = this.parts;
    const before = await lists.highest(attempt.run.issuerSki);
    const report = before ? await this.compare(before, marker, list) : NO_DIFFERENCE;
    const expected = { count: marker.count - retired.count, digest: subtract(marker.digest, retired.digest) };
    const { gone, changed } = report.unexplainedCount;
    const problems: string[] = [];
    if (count !== expected.count) problems.push(`the list has ${count} entries, the log says ${expected.count}`);
    else if (digest !== expected.digest) problems.push(`the ${count} entries are not those the log says`);
    if (gone + changed > 0) problems.push(`${gone} entries gone and ${changed} changed without a reason`);
    if (problems.length > 0) {
      const held: HeldReport = {
        exact: { count, digest },
        expected,
        before: before ? `${before.number}` : null,
        differences: { added: report.added, gone: report.gone, changed: report.changed },
        unexplainedCount: report.unexplainedCount,
        unexplained: report.unexplained,
      };
      throw new CaError('crlUnexplained', problems.join('; '), { ...held });
    }
    const { added } = report.unexplained;
    alarms.set('unexplainedAddition', added.length > 0, { number: `${attempt.number}`, serials: added });
  }

  /** The served list and the entries of the marker, together. */
  async *union(marker: Marker, fresh: AsyncIterable<CrlColumns>): AsyncGenerator<CrlEntry[]> {
    const { list, changes } = await this.served(marker);
    yield* unionOf(list.batches(), fresh, changes);
  }

  /** @throws CaError crlMalformed when an entry of the served list is missing, or changed without a reason */
  async holdsAllServed(marker: Marker, { list }: CheckedList): Promise<void> {
    const { list: served, changes } = await this.served(marker);
    const { gone, unexplainedCount } = await compareLists(served.batches(), list.batches(), changes);
    if (gone + unexplainedCount.changed > 0) throw new CaError('crlMalformed', 'the union has not all that is served');
  }

  private async compare(before: PublishedList, marker: Marker, list: CheckedList['list']): Promise<GateReport> {
    const { source, files } = this.parts;
    const old = await readCrl(await files.ensure(before));
    const retention = await newestRetention(source.manager, before.issuerSki);
    const retired = (serials: string[]) =>
      retiredAmong(source.manager, before.issuerSki, serials, { markerSeq: marker.seq, retention });
    return compareLists(old.batches(), list.batches(), await this.changes(marker), retired);
  }

  private async served(marker: Marker) {
    const { lists, files, issuer } = this.parts;
    const served = await lists.highest(issuer.skiHex);
    if (!served) throw new Error('no list is served');
    return { list: await readCrl(await files.ensure(served)), changes: await this.changes(marker) };
  }

  /** What the log says since the last list that says exactly what the log did: a degraded one has older entries too. */
  private async changes({ seq }: Marker): Promise<Changes> {
    const { lists, log, issuer } = this.parts;
    const exact = await lists.highestExact(issuer.skiHex);
    return changesOf(log.cardRows(exact?.markerSeq ?? 0, seq), issuer.skiHex);
  }
}
