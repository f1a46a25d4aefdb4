import { rm } from 'node:fs/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { nextMidnight, type Clock } from '#libs/clock';
import { CaError } from '#libs/errors';
import { EMPTY_DIGEST } from '#libs/events';
import { readCrl, writeCrl, type CaCertificate, type RevocationList, type WrittenCrl } from '#libs/pki';
import type { Alarms } from './alarms.js';
import { checkList } from './check-list.js';
import type { Attempt, DueRun, DueRuns, Outcome } from './due-runs.js';
import { changesOf, compareLists } from './gate.js';
import { withIssuerLock } from './issuer-lock.js';
import { listedAt } from './listings.js';
import type { StatusOwner } from './owner.js';
import type { PublishedLists } from './published-lists.js';
import type { ServedFiles } from './served-files.js';
import type { StatusLog } from './status-log.js';

/** Where a list ends in the status log, and what the log's owner expects on it. */
export interface Marker {
  readonly seq: number;
  readonly count: number;
  readonly digest: string;
}

/** A signed list in a file that nobody reads yet. */
export interface Draft {
  readonly attempt: Attempt;
  readonly marker: Marker;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly file: string;
  readonly written: WrittenCrl;
}

const NO_ROWS: Marker = { seq: 0, count: 0, digest: EMPTY_DIGEST };
const OUTCOMES: Record<string, Outcome> = { crlUnexplained: 'held', publicationSuperseded: 'superseded' };

export interface ListRunParts {
  source: DataSource;
  clock: Clock;
  issuer: CaCertificate;
  overlapSeconds: number;
  owner: StatusOwner;
  log: StatusLog;
  runs: DueRuns;
  lists: PublishedLists;
  files: ServedFiles;
  alarms: Alarms;
}

/** How a list comes to be, step by step (docs/CRL.md). Any step may fail or be killed: the next attempt begins anew. */
export class ListRun {
  constructor(private readonly parts: ListRunParts) {}

  /** @returns how it ended; `idle` when nothing is due, `busy` when another process is at it */
  async perform(): Promise<Outcome | 'idle' | 'busy'> {
    const { source, clock, issuer, runs, owner } = this.parts;
    const done = await withIssuerLock(source, issuer.skiHex, async (connection) => {
      const run = await runs.newest(issuer.skiHex, clock.now(), () => owner.logIsEmpty());
      return run ? this.attempt(run, connection) : 'idle';
    });
    return done ?? 'busy';
  }

  private async attempt(run: DueRun, connection: QueryRunner): Promise<Outcome> {
    const marker = await this.awaitMarker(run);
    const attempt = await this.start(run);
    try {
      const draft = await this.build(attempt, marker, connection);
      const list = await this.check(draft);
      await this.passGate(draft, list);
      await this.publish(draft);
      return 'published';
    } catch (error) {
      return await this.fail(attempt, error);
    } finally {
      await rm(await this.parts.files.draft(run.issuerSki, attempt.number), { force: true });
    }
  }

  /** Steps 1 and 2: the cut's row in the log, and every row below it. A first list needs neither. */
  async awaitMarker(run: DueRun): Promise<Marker> {
    if (run.kind === 'first') return NO_ROWS;
    const { owner, log } = this.parts;
    const row = await owner.putCut(run.cut);
    if (Date.parse(row.cut) !== run.cut.getTime()) {
      throw new CaError('statusFeedBroken', `the owner answered for the cut ${row.cut}`);
    }
    await log.waitFor(row.seq);
    const list = (await log.expected(row)).find(({ issuerSki }) => issuerSki === run.issuerSki);
    return list ? { seq: row.seq, count: list.count, digest: list.digest } : { ...NO_ROWS, seq: row.seq };
  }

  /** Draws the number. */
  async start(run: DueRun): Promise<Attempt> {
    const { files, issuer, runs, clock } = this.parts;
    return runs.start(run, await files.floor(issuer), clock.now());
  }

  /** Step 3: out of the database, through the encoder, under a signature, into a file. */
  async build(attempt: Attempt, marker: Marker, connection: QueryRunner): Promise<Draft> {
    const { issuer, files, overlapSeconds } = this.parts;
    const { run, number } = attempt;
    const file = await files.draft(run.issuerSki, number);
    const thisUpdate = run.cut;
    // until the next list is due, and the overlap on top of it; for a first list the next one is due at midnight
    const nextUpdate = new Date(nextMidnight(run.cut).getTime() + overlapSeconds * 1_000);
    const entries = listedAt(connection, run.issuerSki, marker.seq);
    const signer = await issuer.signer();
    const written = await writeCrl({ signer, issuer, number, thisUpdate, nextUpdate, entries, file });
    return { attempt, marker, thisUpdate, nextUpdate, file, written };
  }

  /** Step 4: the bytes, read back by another reader. */
  async check({ attempt, marker, thisUpdate, nextUpdate, file, written }: Draft): Promise<RevocationList> {
    const { count, digest } = marker;
    const { sha256 } = written;
    const { number } = attempt;
    const issuer = this.parts.issuer.der;
    return checkList(file, { issuer, number, thisUpdate, nextUpdate, sha256, count, digest });
  }

  /** Step 5: each difference to the list before has its reason in the log. Additions never hold a list back. */
  async passGate({ attempt, marker }: Draft, list: RevocationList): Promise<void> {
    const { issuer, lists, files, log, alarms } = this.parts;
    const before = await lists.highest(issuer.skiHex);
    if (!before) return; // there is nothing an error could have removed
    const changes = await changesOf(log.cardRows(before.markerSeq, marker.seq), issuer.skiHex);
    const old = await readCrl(await files.ensure(before));
    const { unexplained, ...counts } = await compareLists(old.batches(), list.batches(), changes);
    const number = `${attempt.number}`;
    if (unexplained.gone.length + unexplained.changed.length > 0) {
      const what = `${unexplained.gone.length} entries gone and ${unexplained.changed.length} changed without a reason`;
      throw new CaError('crlUnexplained', what, { ...counts, unexplained, before: `${before.number}` });
    }
    if (unexplained.added.length > 0) alarms.raise('unexplainedAddition', { number, serials: unexplained.added });
  }

  /** Step 6, first half: in the database it is published, whatever happens now. */
  async publish({ attempt, marker, thisUpdate, nextUpdate, file, written }: Draft): Promise<void> {
    const { clock, lists } = this.parts;
    const { issuerSki, kind, cut } = attempt.run;
    const { sha256, bytes, count: entryCount } = written;
    const about = { issuerSki, number: attempt.number, kind, cut, markerSeq: marker.seq, entryCount };
    await lists.publish(attempt, { ...about, thisUpdate, nextUpdate, sha256, bytes, publishedAt: clock.now() }, file);
  }

  /** Notes the end if it can; a run whose end nobody noted is simply taken up again. */
  private async fail(attempt: Attempt, error: unknown): Promise<Outcome> {
    const { runs, source, alarms } = this.parts;
    const outcome = (error instanceof CaError && OUTCOMES[error.code]) || 'failed';
    const about = { number: `${attempt.number}`, cut: attempt.run.cut, err: error };
    if (outcome === 'held') alarms.raise('runHeld', { ...about, ...(error as CaError).params });
    if (outcome === 'failed') alarms.raise('runFailed', about);
    const problem = error instanceof Error ? error.message : String(error);
    await runs.end(source.manager, attempt, outcome, problem).catch(() => undefined);
    return outcome;
  }
}
